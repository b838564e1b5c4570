using ScottPlot;
using SkiaSharp;

namespace Halo.Reporting;

/// <summary>Paints panels into PNG files at twice their logical size.</summary>
internal static class PanelPainter
{
    private const int Scale = 2;
    private const int Margin = 16;
    private const int LegendLine = 20;

    // ScottPlot keeps shared state while it renders (fonts, paints); reports of tests may be made side by side.
    private static readonly Lock Rendering = new();

    /// <summary>Paints panels side by side, <paramref name="columns"/> in a line.</summary>
    public static byte[] Paint(IReadOnlyList<Panel> panels, Theme theme, int columns = 1)
    {
        lock (Rendering)
        {
            int[] heights = [.. panels.Chunk(columns).Select(line => line.Max(Height))];
            using SKSurface surface = SKSurface.Create(new SKImageInfo(Panel.Width * Math.Min(columns, panels.Count) * Scale, heights.Sum() * Scale));
            SKCanvas canvas = surface.Canvas;
            canvas.Clear(theme.Paper.ToSKColor());
            canvas.Scale(Scale);
            for (int index = 0; index < panels.Count; index++)
            {
                canvas.Save();
                canvas.Translate(index % columns * Panel.Width, heights.Take(index / columns).Sum());
                PaintOne(canvas, panels[index], theme);
                canvas.Restore();
            }

            using SKImage image = surface.Snapshot();
            using SKData data = image.Encode(SKEncodedImageFormat.Png, 100);
            return data.ToArray();
        }
    }

    /// <summary>Draws a panel as SVG, with its alternative as the title; letters stay text, in whatever sans-serif font the reader has.</summary>
    public static byte[] Svg(Panel panel, Theme theme, string alternative)
    {
        lock (Rendering)
        {
            using var stream = new MemoryStream();
            using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, Panel.Width, Height(panel)), stream))
            {
                canvas.Clear(theme.Paper.ToSKColor());
                PaintOne(canvas, panel, theme, sharp: true);
            }

            return SvgText.Finish(stream.ToArray(), alternative);
        }
    }

    private static int Height(Panel panel) => HeadHeight(panel) + panel.Plots.Sum(plot => plot.Height) + 6;

    private static int HeadHeight(Panel panel) =>
        Margin + 18 + (panel.Subtitle.Length > 0 ? 19 : 0) + (LegendLines(panel).Count * LegendLine) + 8;

    private static void PaintOne(SKCanvas canvas, Panel panel, Theme theme, bool sharp = false)
    {
        float y = Margin + 14;
        Write(canvas, panel.Title, Margin, y, 16, theme.Ink, Typefaces.Instance.Medium);
        if (panel.Subtitle.Length > 0)
        {
            y += 19;
            Write(canvas, panel.Subtitle, Margin, y, 13, theme.Muted, Typefaces.Instance.Regular);
        }

        foreach (IReadOnlyList<LegendEntry> line in LegendLines(panel))
        {
            y += LegendLine;
            float x = Margin;
            foreach (LegendEntry entry in line)
            {
                Mark(canvas, entry, x, y - 4.5f);
                Write(canvas, entry.Text, x + 24, y, 13, theme.Ink, Typefaces.Instance.Regular);
                x += EntryWidth(entry);
            }
        }

        float top = HeadHeight(panel);
        foreach ((Plot plot, int height) in panel.Plots)
        {
            if (sharp)
            {
                canvas.Save();
                canvas.Translate(0, top);
                plot.Render(canvas, Panel.Width, height);
                canvas.Restore();
                top += height;
                continue;
            }

            plot.ScaleFactor = Scale;
            using SKSurface picture = SKSurface.Create(new SKImageInfo(Panel.Width * Scale, height * Scale));
            plot.Render(picture.Canvas, Panel.Width * Scale, height * Scale);
            using SKImage image = picture.Snapshot();
            canvas.DrawImage(image, new SKRect(0, top, Panel.Width, top + height), new SKSamplingOptions(SKFilterMode.Nearest));
            top += height;
        }
    }

    private static List<IReadOnlyList<LegendEntry>> LegendLines(Panel panel)
    {
        var lines = new List<IReadOnlyList<LegendEntry>>();
        var line = new List<LegendEntry>();
        foreach (LegendEntry entry in panel.Legend)
        {
            if (line.Count > 0 && line.Append(entry).Sum(EntryWidth) > Panel.Width - (2 * Margin))
            {
                lines.Add(line);
                line = [];
            }

            line.Add(entry);
        }

        return line.Count > 0 ? [.. lines, line] : lines;
    }

    private static float EntryWidth(LegendEntry entry)
    {
        using SKFont font = Font(Typefaces.Instance.Regular, 13);
        return 24 + font.MeasureText(entry.Text) + 18;
    }

    private static void Mark(SKCanvas canvas, LegendEntry entry, float x, float y)
    {
        using var paint = new SKPaint { Color = entry.Color.ToSKColor(), IsAntialias = true, StrokeWidth = 3, StrokeCap = SKStrokeCap.Round };
        if (entry.Mark == LegendMark.Square)
        {
            canvas.DrawRoundRect(new SKRect(x + 4, y - 6, x + 16, y + 6), 2, 2, paint);
            return;
        }

        using SKPathEffect? dashes = entry.Mark == LegendMark.Dashed ? SKPathEffect.CreateDash([4, 5], 0) : null;
        paint.PathEffect = dashes;
        canvas.DrawLine(x + 1, y, x + 17, y, paint);
    }

    // Unhinted widths: hinting would place letters for the logical size and leave gaps at twice that size.
    private static SKFont Font(SKTypeface typeface, float size) =>
        new(typeface, size) { Edging = SKFontEdging.Antialias, Subpixel = true, LinearMetrics = true, Hinting = SKFontHinting.None };

    private static void Write(SKCanvas canvas, string text, float x, float y, float size, Color color, SKTypeface typeface)
    {
        using SKFont font = Font(typeface, size);
        using var paint = new SKPaint { Color = color.ToSKColor(), IsAntialias = true };
        float room = Panel.Width - Margin - x;
        string fitting = text;
        while (fitting.Length > 1 && font.MeasureText(fitting) > room)
        {
            fitting = fitting[..^2].TrimEnd() + "…";
        }

        canvas.DrawText(fitting, x, y, SKTextAlign.Left, font, paint);
    }
}
