using ScottPlot;

namespace Halo.Reporting;

/// <summary>Colours of the pictures and of the page; every picture is drawn once for light and once for dark.</summary>
/// <param name="Name">File suffix: empty for light.</param>
/// <param name="Paper">Background.</param>
/// <param name="Ink">Titles and figures.</param>
/// <param name="Muted">Axis labels and legends.</param>
/// <param name="Rule">Grid lines.</param>
/// <param name="Series">Line colours: teacher, student, weight transfer only, then the further columns.</param>
/// <param name="Ramp">Heat map colours for scores 0 to 1, evenly spaced.</param>
/// <param name="Empty">Heat map cells without a measurement.</param>
/// <param name="Quiet">Bars that stand back.</param>
internal sealed record Theme(string Name, Color Paper, Color Ink, Color Muted, Color Rule, Color[] Series, Color[] Ramp, Color Empty, Color Quiet)
{
    /// <summary>Dark text on white.</summary>
    public static Theme Light { get; } = new(
        "",
        Color.FromHex("#FFFFFF"), Color.FromHex("#1A2230"), Color.FromHex("#5B6675"), Color.FromHex("#E7EAEF"),
        [.. new[] { "#D9731A", "#2460D8", "#8A94A3", "#0B8A75", "#8B4FCF", "#C2366E" }.Select(Color.FromHex)],
        [.. new[] { "#FBE9DD", "#F0DDB8", "#BFD8B8", "#5FB3A3", "#0F6E73" }.Select(Color.FromHex)],
        Color.FromHex("#F3F4F6"), Color.FromHex("#BEC5CF"));

    /// <summary>Light text on near black.</summary>
    public static Theme Dark { get; } = new(
        ".dark",
        Color.FromHex("#161B22"), Color.FromHex("#E8ECF2"), Color.FromHex("#9AA5B4"), Color.FromHex("#2A323D"),
        [.. new[] { "#F09A4A", "#6AA0FF", "#7C8797", "#35C2A8", "#B98AF0", "#F0719F" }.Select(Color.FromHex)],
        [.. new[] { "#3A2A2C", "#4F4638", "#3F6656", "#2F9484", "#4FD6BE" }.Select(Color.FromHex)],
        Color.FromHex("#1F2630"), Color.FromHex("#4A5563"));

    /// <summary>The colour of a model; further columns take theirs in order.</summary>
    public Color Of(string model, IReadOnlyList<string> models)
    {
        int index = model switch
        {
            Column.Teacher => 0,
            Column.Student => 1,
            Column.Untrained => 2,
            _ => 3 + Math.Max(0, models.Where(other => other is not (Column.Teacher or Column.Student or Column.Untrained)).ToList().IndexOf(model)),
        };
        return Series[index < Series.Length ? index : 3 + ((index - 3) % (Series.Length - 3))];
    }

    /// <summary>The heat map colour of a score in [0, 1].</summary>
    public Color Heat(double score)
    {
        double place = Math.Clamp(score, 0, 1) * (Ramp.Length - 1);
        int low = Math.Min((int)place, Ramp.Length - 2);
        double share = place - low;
        byte Mix(byte from, byte to) => (byte)Math.Round(from + (share * (to - from)));
        return new Color(Mix(Ramp[low].R, Ramp[low + 1].R), Mix(Ramp[low].G, Ramp[low + 1].G), Mix(Ramp[low].B, Ramp[low + 1].B));
    }

    /// <summary>Black or white text, whichever reads better on a colour (relative luminance of WCAG 2).</summary>
    public static Color TextOn(Color background)
    {
        static double Linear(byte channel) => channel / 255.0 is var c && c <= 0.03928 ? c / 12.92 : Math.Pow(((channel / 255.0) + 0.055) / 1.055, 2.4);
        double luminance = (0.2126 * Linear(background.R)) + (0.7152 * Linear(background.G)) + (0.0722 * Linear(background.B));
        return luminance > 0.19 ? Color.FromHex("#0A1218") : Color.FromHex("#FFFFFF");
    }
}
