using SkiaSharp;

namespace Halo.Reporting.Tests;

public sealed class PanelPainterTests
{
    [Fact]
    public void Titles_are_drawn_with_the_shipped_font()
    {
        Assert.True(Typefaces.Instance.Regular.ContainsGlyphs("Perplexity 0123 ±×–%"));
        using SKBitmap with = SKBitmap.Decode(PanelPainter.Paint([new Panel("Title", "", [], [])], Theme.Light));
        using SKBitmap without = SKBitmap.Decode(PanelPainter.Paint([new Panel("", "", [], [])], Theme.Light));
        Assert.Equal(without.Width, with.Width);
        Assert.Single(without.Pixels.Distinct());
        Assert.True(with.Pixels.Distinct().Count() > 2);
    }

    [Fact]
    public void Axis_labels_are_drawn_with_the_shipped_font()
    {
        SKColor[] Pixels(string below)
        {
            using SKBitmap bitmap = SKBitmap.Decode(PanelPainter.Paint([new Panel("", "", [], [(PlotStyle.New(Theme.Dark, below, 52), 120)])], Theme.Dark));
            return bitmap.Pixels;
        }

        Assert.NotEqual(Pixels("iii"), Pixels("WWW"));
    }

    [Fact]
    public void Heat_text_can_be_read_on_every_colour()
    {
        static double Luminance(ScottPlot.Color color)
        {
            static double Linear(byte channel) => channel / 255.0 is var c && c <= 0.03928 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);
            return (0.2126 * Linear(color.R)) + (0.7152 * Linear(color.G)) + (0.0722 * Linear(color.B));
        }

        foreach (Theme theme in new[] { Theme.Light, Theme.Dark })
        {
            for (int percent = 0; percent <= 100; percent++)
            {
                double paper = Luminance(theme.Heat(percent / 100.0)), ink = Luminance(Theme.TextOn(theme.Heat(percent / 100.0)));
                Assert.True((Math.Max(paper, ink) + 0.05) / (Math.Min(paper, ink) + 0.05) >= 4, $"{theme.Name} {percent}");
            }
        }
    }
}
