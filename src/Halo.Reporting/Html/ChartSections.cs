namespace Halo.Reporting;

/// <summary>The parts of the page that are pictures.</summary>
internal sealed class ChartSections
{
    private readonly List<Picture> pictures = [];

    /// <summary>All pictures painted so far, those for the folder alone included.</summary>
    public IReadOnlyList<Picture> Pictures => pictures;

    /// <summary>Heat maps of every needle task, one panel a model.</summary>
    public Section Needles(Figures figures)
    {
        var html = new System.Text.StringBuilder();
        foreach (string task in figures.Best.Where(figure => TaskName.IsNeedle(figure.Task) && figure is { Depth: not null, Length: not null }).Select(figure => figure.Task).Distinct().Order(StringComparer.Ordinal))
        {
            IReadOnlyList<NeedleGrid> grids = NeedleGrid.Of(figures, task);
            bool withYarn = grids.Any(grid => grid.Yarn.Any(factor => factor != 1));
            Chart[] charts = [.. grids.Select(grid => NeedleChart.Of(grid, withYarn))];
            html.Append(Markup.Note($"{TaskName.Title(task)}: {TaskName.Describe(task)}."));
            html.Append(Markup.Panels(charts.Select(Paint)));
            if (charts.Length > 1)
            {
                // For documents, where panels cannot flow.
                pictures.Add(Picture.Of(FileName.Of($"needles-{task}"), string.Join(" ", charts.Select(chart => chart.Alternative)), charts, 2));
            }
        }

        return html.Length > 0
            ? new Section("needles", "Needles in a haystack", html.ToString())
            : new Section("needles", "Needles in a haystack", Markup.Note("No needle task was measured by length and depth, so the heat maps are left out."));
    }

    /// <summary>Scores of tasks by context length.</summary>
    public Section Lengths(Figures figures) =>
        Of("lengths", "Score against length", "No task was scored at two or more context lengths, so these curves are left out.", Keys(figures).Where(key => Metric.IsShare(key.Metric)).Select(key => LengthChart.ByLength(figures, key.Task, key.Variant, key.Metric)));

    /// <summary>Perplexity by length and by position.</summary>
    public Section Perplexity(Figures figures)
    {
        (string Task, string Variant, string Metric)[] keys = [.. Keys(figures).Where(key => key.Metric == "perplexity")];
        IEnumerable<Chart?> byLength = keys.Select(key => LengthChart.ByLength(figures, key.Task, key.Variant, key.Metric));
        IEnumerable<Chart?> byPosition = keys.SelectMany(key => figures.Best
            .Where(figure => figure.Position is not null && (figure.Task, figure.Variant, figure.Metric) == key)
            .Select(figure => figure.Length).Distinct().OrderByDescending(length => length ?? 0).Take(2)
            .Select(length => LengthChart.ByPosition(figures, key.Task, key.Variant, key.Metric, length)));
        return Of("perplexity", "Perplexity", "Perplexity was not measured at two or more lengths or positions, so its curves are left out.", byLength.Concat(byPosition));
    }

    /// <summary>Layer importance.</summary>
    public Section Layers(LayerSelection? selection)
    {
        const string Title = "Layer selection";
        if (selection is null)
        {
            return new Section("layers", Title, Markup.Note("The run has no selection.json, so the importance of the layers is left out."));
        }

        string chosen = Markup.Note($"Method {selection.Method} keeps the layers {string.Join(", ", selection.Layers.Order())} as attention.");
        List<Chart> charts = [];
        if (selection.Scores.Count > 0)
        {
            charts.Add(LayerChart.Importance(selection));
        }

        if (selection.Recall.Count + selection.Commonsense.Count > 0)
        {
            charts.Add(LayerChart.Behind(selection));
        }

        return new Section("layers", Title, chosen + (charts.Count > 0 ? Markup.Panels(charts.Select(Paint)) : Markup.Note("This method gives no scores, so there is nothing to draw.")));
    }

    /// <summary>Loss curves and what was measured between the steps.</summary>
    public Section Training(IReadOnlyList<LossCurve> curves, LayerSelection? selection) =>
        Of("training", "Training", "No training steps were recorded in events.jsonl, so the loss curves are left out.", curves.Where(curve => curve.Losses.Length > 0).Select(LossChart.Of).Concat(curves.Where(curve => curve.LayerErrors.Count > 1).Select(curve => LayerChart.Errors(curve, selection))).Concat(curves.SelectMany(LossChart.Probes)));

    private static IEnumerable<(string Task, string Variant, string Metric)> Keys(Figures figures) =>
        figures.Best.Select(figure => (figure.Task, figure.Variant, figure.Metric)).Distinct();

    private Section Of(string id, string title, string missing, IEnumerable<Chart?> charts)
    {
        Picture[] painted = [.. charts.Where(chart => chart is not null).Select(chart => Paint(chart!))];
        return new Section(id, title, painted.Length > 0 ? Markup.Panels(painted) : Markup.Note(missing));
    }

    private Picture Paint(Chart chart)
    {
        Picture picture = Picture.Of(chart);
        pictures.Add(picture);
        return picture;
    }
}
