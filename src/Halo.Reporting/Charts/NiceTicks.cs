namespace Halo.Reporting;

/// <summary>Tick places that people find round.</summary>
internal static class NiceTicks
{
    /// <summary>Multiples of 1, 2, 2.5 or 5 times a power of ten that cover a range with about <paramref name="count"/> ticks.</summary>
    public static double[] Linear(double low, double high, int count)
    {
        if (!(high > low))
        {
            return [low];
        }

        double raw = (high - low) / count;
        double power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = new[] { 1, 2, 2.5, 5, 10 }.First(factor => factor * power >= raw * 0.999) * power;
        var ticks = new List<double>();
        for (double index = Math.Ceiling((low / step) - 1e-9); index * step <= high + (step * 1e-9); index++)
        {
            ticks.Add(Math.Round(index * step, 12));
        }

        return [.. ticks];
    }

    /// <summary>Powers of ten, with 2 and 5 between where the range is narrow, and linear ticks where it is narrower still. All within a positive range.</summary>
    public static double[] Logarithmic(double low, double high)
    {
        double decades = Math.Log10(high / low);
        double[] factors = decades > 3.2 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5];
        int every = decades > 8 ? 2 : 1;
        var ticks = new List<double>();
        for (int power = (int)Math.Floor(Math.Log10(low)); power <= Math.Log10(high) + 1; power++)
        {
            if (power % every == 0)
            {
                ticks.AddRange(factors.Select(factor => factor * Math.Pow(10, power)).Where(tick => tick >= low * 0.999 && tick <= high * 1.001));
            }
        }

        return ticks.Count >= 3 ? [.. ticks] : Linear(low, high, 4);
    }
}
