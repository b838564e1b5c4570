namespace Halo.Reporting;

/// <summary>Makes noisy curves readable.</summary>
internal static class Smoothing
{
    /// <summary>At most <paramref name="most"/> points: means of equal runs of points.</summary>
    public static (double Step, double Value)[] Thin((double Step, double Value)[] points, int most) =>
        points.Length <= most
            ? points
            : [.. Enumerable.Range(0, most).Select(part =>
            {
                (double Step, double Value)[] run = points[(int)((long)points.Length * part / most)..(int)((long)points.Length * (part + 1) / most)];
                return (run[run.Length / 2].Step, run.Average(point => point.Value));
            })];

    /// <summary>Centred moving mean of the middle half of a window that shrinks at the ends: spikes vanish, the first fall stays in place.</summary>
    public static (double Step, double Value)[] Centre((double Step, double Value)[] points, int reach) =>
        [.. points.Select((point, index) =>
        {
            int here = Math.Min(reach, Math.Min(index, points.Length - 1 - index));
            double[] window = [.. points[(index - here)..(index + here + 1)].Select(other => other.Value).Order()];
            return (point.Step, window[(window.Length / 4)..(window.Length - (window.Length / 4))].Average());
        })];
}
