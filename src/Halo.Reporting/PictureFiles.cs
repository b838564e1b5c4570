using Halo.Core;

namespace Halo.Reporting;

/// <summary>Pictures as files beside each other: light and dark PNG, and SVG.</summary>
internal static class PictureFiles
{
    /// <summary>Writes <c>NAME.png</c>, <c>NAME.dark.png</c> and <c>NAME.svg</c>; returns their paths.</summary>
    public static IReadOnlyList<string> Write(string folder, Chart chart)
    {
        var files = new List<string>();
        void Put(string file, byte[] bytes)
        {
            string path = Path.Combine(folder, file);
            AtomicFile.Write(path, stream => stream.Write(bytes));
            files.Add(path);
        }

        Picture picture = Picture.Of(chart);
        Put($"{chart.Name}.png", picture.Light);
        Put($"{chart.Name}.dark.png", picture.Dark);
        Put($"{chart.Name}.svg", PanelPainter.Svg(chart.Draw(Theme.Light), Theme.Light, chart.Alternative));
        return files;
    }
}
