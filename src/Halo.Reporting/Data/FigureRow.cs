namespace Halo.Reporting;

/// <summary>A row of the table of figures: one task, metric and length for every model.</summary>
/// <param name="Task">Task name.</param>
/// <param name="Variant">Text or prompt form.</param>
/// <param name="Metric">Metric name.</param>
/// <param name="Length">Tokens, where stated.</param>
/// <param name="Cells">Figure by model.</param>
internal sealed record FigureRow(string Task, string Variant, string Metric, long? Length, IReadOnlyDictionary<string, Figure> Cells)
{
    /// <summary>All rows: tasks as they were measured, lengths ascending.</summary>
    public static IReadOnlyList<FigureRow> Of(Figures figures) =>
        [.. figures.Best.Where(figure => figure.IsWhole)
            .GroupBy(figure => (figure.Task, figure.Variant, figure.Metric, figure.Length))
            .Select((group, place) => (Row: new FigureRow(group.Key.Task, group.Key.Variant, group.Key.Metric, group.Key.Length, group.ToDictionary(figure => figure.Model)), place))
            .GroupBy(pair => (pair.Row.Task, pair.Row.Variant, pair.Row.Metric))
            .OrderBy(group => group.Min(pair => pair.place))
            .SelectMany(group => group.OrderBy(pair => pair.Row.Length ?? 0).Select(pair => pair.Row))];

    /// <summary>Student against teacher: a difference in percentage points for shares, else a ratio; null where one of them is missing.</summary>
    public string? Comparison
    {
        get
        {
            if (!Cells.TryGetValue(Column.Teacher, out Figure? teacher) || !Cells.TryGetValue(Column.Student, out Figure? student))
            {
                return null;
            }

            if (!Reporting.Metric.IsShare(Metric))
            {
                return teacher.Value == 0 || !double.IsFinite(student.Value / teacher.Value) ? null : $"× {Reporting.Metric.Number(student.Value / teacher.Value)}";
            }

            double points = 100 * (student.Value - teacher.Value);
            string sign = points >= 0.05 ? "+" : points <= -0.05 ? "−" : "";
            string text = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{sign}{Math.Abs(points):0.0}");
            return double.IsFinite(points) ? text : null;
        }
    }
}
