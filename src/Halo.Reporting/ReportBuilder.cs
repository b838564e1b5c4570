using Halo.Core;

namespace Halo.Reporting;

/// <summary>Makes the report of a run: one page that holds everything, and its pictures as PNG files.</summary>
public static class ReportBuilder
{
    /// <summary>
    /// Writes <c>report.html</c> and <c>pictures/*.png</c> from what the run folder holds: recipe, events, results, selection and text samples.
    /// Parts that are missing are left out with a sentence that says so. The page needs no other file, no script and no network, and follows the reader's light or dark setting;
    /// every picture also lies in <c>pictures/</c>, its dark form as <c>NAME.dark.png</c>.
    /// Where a model was measured under several YaRN factors (<c>settings.yarn</c>), the factor that is best for each length is shown and named.
    /// </summary>
    /// <param name="run">The run folder.</param>
    /// <param name="title">Heading of the page; the folder's name by default.</param>
    /// <returns>The full path of the page.</returns>
    /// <exception cref="HaloException">The folder is missing or holds nothing of a run, a line of a file is broken (file and line are named), or the report cannot be written.</exception>
    public static string Build(RunFolder run, string? title = null)
    {
        RunData data = RunData.Read(run);
        Figures figures = Figures.Of(data.Results);
        var charts = new ChartSections();
        List<Section> sections =
        [
            FigureTable.Make(figures),
            charts.Needles(figures),
            charts.Lengths(figures),
            charts.Perplexity(figures),
            charts.Layers(data.Selection),
            charts.Training(LossCurve.Of(data.Events), data.Selection),
            SampleSection.Make(data.Samples),
            Page.Recipe(data.Recipe),
        ];
        string heading = title ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run.Root)));
        WritePictures(run.Pictures, charts.Pictures);
        AtomicFile.WriteAllText(run.Report, Page.Make(heading, data, Facts.Of(data, figures), sections));
        return Path.GetFullPath(run.Report);
    }

    private static void WritePictures(string folder, IReadOnlyList<Picture> pictures)
    {
        var written = new HashSet<string>();
        foreach (Picture picture in pictures)
        {
            foreach ((Theme theme, byte[] png) in new[] { (Theme.Light, picture.Light), (Theme.Dark, picture.Dark) })
            {
                string path = Path.Combine(folder, $"{picture.Name}{theme.Name}.png");
                AtomicFile.Write(path, stream => stream.Write(png));
                written.Add(path);
            }
        }

        RemoveStale(folder, written);
    }

    // A picture of an earlier report whose part is gone would tell of another run.
    private static void RemoveStale(string folder, HashSet<string> written)
    {
        try
        {
            foreach (string old in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.png").Where(path => !written.Contains(path)) : [])
            {
                File.Delete(old);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"an old picture cannot be removed ({error.Message.TrimEnd('.')})", folder, "check the folder's permissions", error);
        }
    }
}
