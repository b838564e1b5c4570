using Halo.Core;

namespace Halo.Reporting;

/// <summary>Pictures of what inference costs, from the records of <c>halo bench inference</c> alone.</summary>
public static class InferencePlots
{
    /// <summary>Task name of the records.</summary>
    public const string Task = "inference";

    /// <summary>
    /// Writes <c>NAME.png</c>, <c>NAME.dark.png</c> and <c>NAME.svg</c> for prefill, tokens and memory by context length, and where two models were measured the speed-up of the first over the second.
    /// Metrics that are read: <c>prefill_seconds</c>, <c>milliseconds_per_token</c>, <c>memory_gigabytes</c>, with the setting <c>length</c>.
    /// </summary>
    /// <param name="folder">The folder, made where missing.</param>
    /// <param name="records">The records.</param>
    /// <returns>The files.</returns>
    /// <exception cref="HaloException">A file cannot be written.</exception>
    public static IReadOnlyList<string> Write(string folder, IReadOnlyList<ResultRecord> records)
    {
        Figure[] figures = [.. records.Where(record => record.Task == Task).Select(Figure.Of).Where(figure => figure.Length > 0 && double.IsFinite(figure.Value))];
        string[] models = [.. figures.Select(figure => figure.Model).Distinct()];
        (long Context, double Value)[] Points(string model, string metric) =>
            [.. figures.Where(figure => figure.Model == model && figure.Metric == metric).OrderBy(figure => figure.Length).Select(figure => (figure.Length!.Value, figure.Value))];
        var charts = new List<Chart>();
        void Add(string name, string title, string subtitle, IEnumerable<(string Name, int Color, (long Context, double Value)[] Points)> series)
        {
            (string Name, int Color, (long Context, double Value)[] Points)[] filled = [.. series.Where(one => one.Points.Length > 0)];
            if (filled.Length > 0)
            {
                charts.Add(SpeedChart.Of(name, title, subtitle, filled));
            }
        }

        // The first model in the student's colour, the second in the teacher's.
        int Color(int model) => model switch { 0 => 1, 1 => 0, _ => 2 + ((model - 2) % 4) };
        foreach ((string metric, string title, string unit) in new[] { ("prefill_seconds", "Reading a prompt", "seconds to the first token"), ("milliseconds_per_token", "Writing", "milliseconds a step"), ("memory_gigabytes", "Memory", "GB in use") })
        {
            Add($"inference-{metric}", title, unit, models.Select((model, place) => (model, Color(place), Points(model, metric))));
        }

        if (models.Length == 2)
        {
            (long Context, double Value)[] Ratio(string metric) =>
                [.. Points(models[0], metric).Join(Points(models[1], metric), one => one.Context, other => other.Context, (one, other) => (one.Context, other.Value / one.Value))];
            Add("inference-speedup", $"{models[0]} against {models[1]}", "times as fast", [("reading", 3, Ratio("prefill_seconds")), ("writing", 4, Ratio("milliseconds_per_token"))]);
        }

        return [.. charts.SelectMany(chart => PictureFiles.Write(folder, chart))];
    }
}
