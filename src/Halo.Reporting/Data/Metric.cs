using System.Globalization;

namespace Halo.Reporting;

/// <summary>How a metric reads: which direction is better, and whether it is a share shown in percent.</summary>
internal static class Metric
{
    private static readonly string[] Shares = ["acc", "score", "exact", "contain", "recall", "f1", "match"];
    private static readonly string[] LowerIsBetter = ["perplexity", "bits_per_byte", "loss", "kl", "ppl", "error", "seconds"];

    /// <summary>True for figures in [0, 1] that are shown in percent.</summary>
    public static bool IsShare(string metric) => Shares.Any(part => metric.Contains(part, StringComparison.Ordinal));

    /// <summary>True where a smaller figure is better.</summary>
    public static bool IsLowerBetter(string metric) => !IsShare(metric) && LowerIsBetter.Any(metric.Contains);

    /// <summary>The figure for readers.</summary>
    public static string Format(string metric, double value) =>
        double.IsNaN(value) ? "not a number" : IsShare(metric) ? string.Create(CultureInfo.InvariantCulture, $"{100 * value:0.0} %") : Number(value);

    /// <summary>The standard error for readers, in the same unit as the figure.</summary>
    public static string FormatError(string metric, double error) =>
        IsShare(metric) ? string.Create(CultureInfo.InvariantCulture, $"{100 * error:0.0}") : Number(error);

    /// <summary>Four significant figures, thousands grouped.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
        }

        double size = Math.Abs(value);
        string format = size switch
        {
            0 => "0",
            >= 1e7 or < 1e-4 => "0.##e+0",
            >= 1000 => "#,0",
            >= 100 => "0.0",
            >= 10 => "0.00",
            >= 1 => "0.000",
            _ => "0.0000",
        };
        return value.ToString(format, CultureInfo.InvariantCulture).Replace('-', '−');
    }

    /// <summary>A number on an axis: no idle zeros, small ones as powers of ten.</summary>
    public static string Tick(double value)
    {
        double size = Math.Abs(value);
        string format = size < 1e-12 ? "0" : size is >= 1e7 or < 0.001 ? "0.##e+0" : size >= 1000 ? "#,0.##" : "0.#####";
        return (size < 1e-12 ? 0 : value).ToString(format, CultureInfo.InvariantCulture).Replace("e+", "e").Replace('-', '−');
    }

    /// <summary>A share on an axis, in percent.</summary>
    public static string PercentTick(double value) => $"{Tick(Math.Round(100 * value, 4))} %";

    /// <summary>A token count: 1024 is 1K, 65536 is 64K, 1000 is 1,000.</summary>
    public static string Tokens(long tokens) => tokens switch
    {
        >= 1 << 20 when tokens % (1 << 20) == 0 => $"{tokens >> 20}M",
        >= 1024 when tokens % 1024 == 0 => $"{tokens >> 10}K",
        _ => tokens.ToString("#,0", CultureInfo.InvariantCulture),
    };

    /// <summary>A metric's name for readers: <c>bits_per_byte</c> is "bits per byte".</summary>
    public static string Title(string metric) => metric.Replace('_', ' ');

    /// <summary>A scaling factor without idle zeros.</summary>
    public static string Factor(double factor) => factor.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A large count in a short form: 12.3M.</summary>
    public static string Big(double count) => count switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.00}B"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.0}M"),
        >= 1e3 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e3:0.0}K"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count:0}"),
    };

    /// <summary>A time span in its two largest units.</summary>
    public static string Duration(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Round(seconds));
        return span switch
        {
            { TotalDays: >= 1 } => $"{(int)span.TotalDays} d {span.Hours} h",
            { TotalHours: >= 1 } => $"{span.Hours} h {span.Minutes} min",
            { TotalMinutes: >= 1 } => $"{span.Minutes} min {span.Seconds} s",
            _ => $"{span.Seconds} s",
        };
    }
}
