using Halo.Core;

namespace Halo.Inference;

/// <summary>
/// What has to be read for a set of requests: equal requests once, requests with equal inputs once, and the beginning that neighbours share once.
/// </summary>
internal static class ScoringPlan
{
    /// <summary>Shared ids below which a second pass costs more than it saves.</summary>
    private const int LeastShared = 8;

    /// <summary>Rows of a group at most, so that it fits into one pass.</summary>
    private const int MostRows = 32;

    /// <summary>One row for each different input. Of context and continuation the last (<paramref name="maximumLength"/> + 1) ids are kept, and the last is not read.</summary>
    /// <exception cref="HaloException">An empty context or continuation, an id outside the vocabulary, or a continuation longer than the bound.</exception>
    public static IReadOnlyList<ScoringRow> Rows(IReadOnlyList<ScoringRequest> requests, int maximumLength, int vocabulary)
    {
        var rows = new Dictionary<int[], ScoringRow>(requests.Count, new ScoringRow.SameIds());
        for (int index = 0; index < requests.Count; index++)
        {
            ScoringRequest request = requests[index];
            string where = $"request {index}";
            if (request.Context.Length == 0 || request.Continuation.Length == 0)
            {
                throw new HaloException("a context or a continuation without ids cannot be scored", where, "give at least one id of each");
            }

            if (maximumLength > 0 && request.Continuation.Length > maximumLength)
            {
                throw new HaloException($"the continuation's {request.Continuation.Length} ids exceed the model's length of {maximumLength}", where, "shorten the item");
            }

            Checks.Ids(request.Context, vocabulary, where);
            Checks.Ids(request.Continuation, vocabulary, where);
            int[] whole = [.. request.Context, .. request.Continuation];
            int kept = maximumLength > 0 ? Math.Min(whole.Length, maximumLength + 1) : whole.Length;
            int[] inputs = whole[^kept..^1];
            if (!rows.TryGetValue(inputs, out ScoringRow? row))
            {
                row = new ScoringRow(inputs);
                rows.Add(inputs, row);
            }

            row.Add(request.Continuation, index);
        }

        return [.. rows.Values];
    }

    /// <summary>Joins rows to groups wherever reading their common beginning once saves at least a quarter of the row that joins.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="longest">Rows longer than this stand alone.</param>
    public static IReadOnlyList<ScoringGroup> Groups(IReadOnlyList<ScoringRow> rows, int longest)
    {
        var groups = new List<ScoringGroup>();
        var members = new List<ScoringRow>();
        int shared = 0;
        void Close()
        {
            if (members.Count > 0)
            {
                groups.Add(new ScoringGroup([.. members], members.Count > 1 ? shared : 0));
                members.Clear();
            }
        }

        foreach (ScoringRow row in rows.Order())
        {
            if (row.Inputs.Length > longest)
            {
                groups.Add(new ScoringGroup([row], 0));
                continue;
            }

            if (members.Count > 0)
            {
                int common = Math.Min(shared, members[^1].CommonPrefix(row));
                long saved = ((long)members.Count * common) - ((members.Count - 1L) * shared);
                if (common < LeastShared || saved * 4 < row.Inputs.Length || members.Count >= MostRows)
                {
                    Close();
                }
                else
                {
                    shared = common;
                }
            }

            shared = members.Count == 0 ? row.Inputs.Length : shared;
            members.Add(row);
        }

        Close();
        return groups;
    }

    /// <summary>Cuts rows, the longest first, into batches whose padded size stays within <paramref name="tokens"/>; one batch has rows of like length unless it would be small.</summary>
    /// <param name="rows">Sorted, the longest first.</param>
    /// <param name="skipped">Ids of each row that are read already.</param>
    /// <param name="tokens">Padded tokens of a batch at most.</param>
    /// <param name="mostRows">Rows of a batch at most, by the longest row's length.</param>
    public static IEnumerable<ScoringRow[]> RowBatches(ScoringRow[] rows, int skipped, int tokens, Func<int, int> mostRows)
    {
        for (int start = 0; start < rows.Length;)
        {
            int longest = rows[start].Inputs.Length, width = longest - skipped;
            int most = Math.Clamp(tokens / width, 1, mostRows(longest));
            int end = start + 1;
            while (end < rows.Length && end - start < most)
            {
                bool narrow = (rows[end].Inputs.Length - skipped) * 4 < width * 3;
                if (narrow && (end - start) * 8 >= most)
                {
                    break;
                }

                end++;
            }

            yield return rows[start..end];
            start = end;
        }
    }

    /// <summary>Cuts groups, those that share most first, into batches that read the same number of shared ids: the least of the batch, so that none differs by more than an eighth.</summary>
    /// <param name="groups">Sorted, those that share most first.</param>
    /// <param name="tokens">Shared tokens of a batch at most.</param>
    /// <param name="mostGroups">Groups of a batch at most, by shared length.</param>
    public static IEnumerable<ScoringGroup[]> GroupBatches(ScoringGroup[] groups, int tokens, Func<int, int> mostGroups)
    {
        for (int start = 0; start < groups.Length;)
        {
            int shared = groups[start].Shared;
            int most = Math.Clamp(tokens / shared, 1, mostGroups(shared));
            int end = start + 1;
            while (end < groups.Length && end - start < most && groups[end].Shared * 8 >= shared * 7)
            {
                end++;
            }

            yield return groups[start..end];
            start = end;
        }
    }
}
