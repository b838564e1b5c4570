using Halo.Core;

namespace Halo.Reporting;

/// <summary>Picks the few figures by which a conversion is judged.</summary>
internal static class Facts
{
    /// <summary>The facts that the run can state.</summary>
    public static IReadOnlyList<Fact> Of(RunData data, Figures figures)
    {
        IReadOnlyList<FigureRow> rows = FigureRow.Of(figures);
        FigureRow? perplexity = rows.LastOrDefault(row => row is { Task: "perplexity", Metric: "perplexity" } && row.Cells.ContainsKey(Column.Student) && (row.Cells.ContainsKey(Column.Teacher) || row.Cells.ContainsKey(Column.Untrained)));
        // The shortest length is the teacher's own ground; at the longest it may already have broken.
        FigureRow? shortest = rows.FirstOrDefault(row => row is { Task: "perplexity", Metric: "perplexity" } && row.Cells.ContainsKey(Column.Student) && row.Cells.ContainsKey(Column.Teacher));
        List<Fact?> facts = [AgainstTeacher(shortest), AgainstUntrained(shortest ?? perplexity), .. rows.Select(row => row.Task).Where(TaskName.IsNeedle).Distinct().Take(2).Select(task => Needles(rows, task)), Layers(data), Training(data)];
        return [.. facts.Where(fact => fact is not null).Select(fact => fact!).Take(6)];
    }

    private static Fact? AgainstTeacher(FigureRow? row)
    {
        if (row is null || !(row.Cells[Column.Teacher].Value > 0))
        {
            return null;
        }

        double student = row.Cells[Column.Student].Value, teacher = row.Cells[Column.Teacher].Value;
        return new Fact($"× {Metric.Number(student / teacher)}", $"student's perplexity over the teacher's{At(row)}: {Metric.Number(student)} against {Metric.Number(teacher)}");
    }

    private static Fact? AgainstUntrained(FigureRow? row)
    {
        if (row is null || !row.Cells.TryGetValue(Column.Untrained, out Figure? untrained) || !row.Cells.TryGetValue(Column.Student, out Figure? student) || !(student.Value > 0))
        {
            return null;
        }

        double ratio = untrained.Value / student.Value;
        return ratio >= 1
            ? new Fact($"{Metric.Number(ratio)} times", $"lower perplexity than weight transfer alone{At(row)}: {Metric.Number(student.Value)} against {Metric.Number(untrained.Value)}")
            : new Fact($"{Metric.Number(1 / ratio)} times", $"HIGHER perplexity than weight transfer alone{At(row)}: training made it worse");
    }

    private static Fact? Needles(IReadOnlyList<FigureRow> rows, string task)
    {
        FigureRow? row = rows.Where(row => row.Task == task && Metric.IsShare(row.Metric) && row.Cells.ContainsKey(Column.Student)).MaxBy(row => row.Length ?? 0);
        if (row is null)
        {
            return null;
        }

        string teacher = row.Cells.TryGetValue(Column.Teacher, out Figure? figure)
            ? $"; teacher {Metric.Format(figure.Metric, figure.Value)}{(figure.Yarn == 1 ? "" : $" with YaRN {Metric.Factor(figure.Yarn)}")}"
            : "";
        string others = string.Concat(row.Cells.Where(cell => cell.Key is not (Column.Teacher or Column.Student or Column.Untrained)).Select(cell => $"; {cell.Key} {Metric.Format(cell.Value.Metric, cell.Value.Value)}"));
        return new Fact(Metric.Format(row.Metric, row.Cells[Column.Student].Value), $"student on {TaskName.Title(task)}{At(row)}{teacher}{others}");
    }

    private static Fact? Layers(RunData data)
    {
        if (data.Selection is not { Layers.Count: > 0 } selection)
        {
            return null;
        }

        string share = selection.Scores.Count > 0 ? $"{selection.Layers.Count} of {selection.Scores.Count}" : Metric.Number(selection.Layers.Count);
        return new Fact(share, $"layers stay attention: {string.Join(", ", selection.Layers.Order())} (method {selection.Method})");
    }

    private static Fact? Training(RunData data)
    {
        RunEvent[] steps = [.. data.Events.Where(entry => entry.Kind == "step")];
        if (steps.Length < 2)
        {
            return null;
        }

        // Breaks between sittings are no training time; a step that took over ten minutes is taken for one.
        double seconds = steps.Zip(steps.Skip(1), (before, after) => (after.Time - before.Time).TotalSeconds).Where(gap => gap is > 0 and < 600).Sum();
        double tokens = steps.GroupBy(entry => entry.Stage).Sum(stage => stage.Max(Tokens));
        return tokens > 0
            ? new Fact(Metric.Big(tokens), $"tokens of training in {Metric.Duration(seconds)}, over {string.Join(", ", steps.Select(entry => entry.Stage).Distinct())}")
            : new Fact(Metric.Duration(seconds), "of training");
    }

    private static double Tokens(RunEvent entry) => JsonNumber.Of(entry.Values?["tokens"]) ?? 0;

    private static string At(FigureRow row) => row.Length is { } length ? $" at {Metric.Tokens(length)} tokens" : "";
}
