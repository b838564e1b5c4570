using System.Globalization;
using System.Text;

namespace Halo.Reporting;

/// <summary>The table of figures: a row a task and length, a column a model, student against teacher beside them.</summary>
internal static class FigureTable
{
    /// <summary>The table, or a sentence where nothing was measured.</summary>
    public static Section Make(Figures figures)
    {
        IReadOnlyList<FigureRow> rows = FigureRow.Of(figures);
        if (rows.Count == 0)
        {
            return new Section("figures", "Figures", Markup.Note("No results were recorded in results.jsonl, so the table of figures is left out. `halo eval` and the evaluation stage of a conversion write them."));
        }

        string[] models = [.. figures.Models.Where(model => rows.Any(row => row.Cells.ContainsKey(model)))];
        bool compares = rows.Any(row => row.Comparison is not null);
        var html = new StringBuilder();
        html.Append(Markup.Note("Each figure with its standard error (±) and the number of items measured (n)." + (compares ? " Student against teacher: a difference in percentage points, or for perplexities and the like a ratio." : "")));
        if (figures.ChoseYarn)
        {
            html.Append(Markup.Note("Where a model was measured under several YaRN factors, the factor that is best for each length is shown and named: a long context is judged against the strongest form of the teacher."));
        }

        html.Append("<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Task</th>");
        foreach (string model in models)
        {
            html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\">{Markup.Escape(Column.Title(model))}</th>{(model == models[^1] || model != Column.Student || !compares ? "" : "<th scope=\"col\">Student against teacher</th>")}");
        }

        if (compares && models[^1] == Column.Student)
        {
            html.Append("<th scope=\"col\">Student against teacher</th>");
        }

        html.Append("</tr></thead>\n<tbody>\n");
        foreach (var group in rows.GroupBy(row => (row.Task, row.Variant, row.Metric)))
        {
            string metric = group.Key.Task == group.Key.Metric ? "" : Metric.Title(group.Key.Metric);
            string detail = string.Join(", ", new[] { metric, group.Key.Variant, Metric.IsLowerBetter(group.Key.Metric) ? "lower is better" : "" }.Where(part => part.Length > 0));
            html.Append(CultureInfo.InvariantCulture, $"<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{models.Length + (compares ? 2 : 1)}\">{Markup.Escape(TaskName.Title(group.Key.Task))} <small>{Markup.Escape(detail)}</small></th></tr>\n");
            foreach (FigureRow row in group)
            {
                Append(html, row, models, compares);
            }
        }

        html.Append("</tbody></table></div>\n");
        return new Section("figures", "Figures", html.ToString());
    }

    private static void Append(StringBuilder html, FigureRow row, string[] models, bool compares)
    {
        html.Append(CultureInfo.InvariantCulture, $"<tr><th scope=\"row\">{(row.Length is { } length ? $"{Metric.Tokens(length)} tokens" : "all items")}</th>");
        foreach (string model in models)
        {
            html.Append("<td>").Append(row.Cells.TryGetValue(model, out Figure? figure) ? Cell(figure) : "–").Append("</td>");
            if (compares && model == Column.Student)
            {
                html.Append(CultureInfo.InvariantCulture, $"<td class=\"versus\">{row.Comparison ?? "–"}</td>");
            }
        }

        html.Append("</tr>\n");
    }

    private static string Cell(Figure figure)
    {
        string error = figure.Stderr is { } stderr && double.IsFinite(stderr) ? $" ± {Metric.FormatError(figure.Metric, stderr)}" : "";
        string count = figure.N > 0 ? string.Create(CultureInfo.InvariantCulture, $"n {figure.N:#,0}") : "";
        string yarn = figure.Yarn != 1 ? $"YaRN {Metric.Factor(figure.Yarn)}" : "";
        return $"{Metric.Format(figure.Metric, figure.Value)}{error}<small>{string.Join(" · ", new[] { count, yarn }.Where(part => part.Length > 0))}</small>";
    }
}
