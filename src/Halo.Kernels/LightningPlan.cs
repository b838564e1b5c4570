namespace Halo.Kernels;

/// <summary>Which part of a row each thread block of the Lightning kernel works through, so that all take about as long.</summary>
/// <remarks>
/// A segment that does not start its row reads <c>12/m</c> tokens before it to rebuild the state: what is older has decayed to e^-12 = 6e-6,
/// far below the rounding of bfloat16 outputs (4e-3). Heads that forget slowly have long warm-ups and therefore fewer or shorter segments.
/// </remarks>
internal static class LightningPlan
{
    /// <summary>Tokens of a chunk in the kernel.</summary>
    public const int Chunk = 64;

    private const double Cutoff = 12;

    // A token that only updates the state, against one that is read out too; measured on an H100.
    private const double WarmUpCost = 0.35;

    /// <summary>The jobs, longest first.</summary>
    /// <param name="length">T.</param>
    /// <param name="slopes">m_h.</param>
    /// <param name="rows">Rows that run at once, B times the passes.</param>
    /// <param name="slots">Thread blocks that the card runs at once.</param>
    /// <returns>Four numbers a job: head, first position read, first position written (both multiples of the chunk), end.</returns>
    public static int[] Jobs(int length, double[] slopes, long rows, int slots)
    {
        int chunks = (length + Chunk - 1) / Chunk;
        int[] warmUp = [.. slopes.Select(m => (int)Math.Min(Math.Ceiling(Cutoff / m / Chunk) * Chunk, (double)chunks * Chunk))];
        int[] segments = [.. slopes.Select(_ => 1)];
        double Cost(int head, int count)
        {
            int own = (chunks + count - 1) / count * Chunk;
            return own + (WarmUpCost * Math.Min(warmUp[head], Math.Max(length - own, 0)));
        }

        long total = slopes.Length;
        while (total * rows < slots)
        {
            int slowest = Enumerable.Range(0, slopes.Length).MaxBy(head => Cost(head, segments[head]));
            double before = Cost(slowest, segments[slowest]);
            int more = segments[slowest] + 1;
            while (more < chunks && Cost(slowest, more) >= before)
            {
                more++;
            }

            if (more > chunks || Cost(slowest, more) > 0.99 * before)
            {
                break;
            }

            total += more - segments[slowest];
            segments[slowest] = more;
        }

        var jobs = new List<(int Head, int Read, int Written, int End)>();
        for (int head = 0; head < slopes.Length; head++)
        {
            int own = (chunks + segments[head] - 1) / segments[head] * Chunk;
            for (int start = 0; start < length; start += own)
            {
                jobs.Add((head, Math.Max(0, start - warmUp[head]), start, Math.Min(start + own, length)));
            }
        }

        return [.. jobs.OrderByDescending(job => job.End - job.Written + (WarmUpCost * (job.Written - job.Read))).SelectMany(job => new[] { job.Head, job.Read, job.Written, job.End })];
    }
}
