using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>
/// Recall in the "contains" style of lm-evaluation-harness: the prompt is <c>text</c>, answered greedily until a line break or 48 new tokens; the score is 1 if <c>value</c> occurs in the answer, ignoring case.
/// </summary>
/// <param name="name">fda, swde or squad_completion.</param>
internal sealed class ContainsTask(string name) : IEvaluationTask
{
    /// <summary>New tokens of an answer.</summary>
    public const int NewTokens = 48;

    private static readonly string[] Splits = ["validation", "test", "train"];

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public void Check(EvaluationContext context) => Files(context);

    /// <inheritdoc/>
    public IReadOnlyList<ResultRecord> Run(EvaluationContext context)
    {
        EvaluationOptions options = context.Options;
        Item[] items = [.. BenchmarkFiles.Read(Files(context)).Skip(options.Offset).Take(options.Limit ?? int.MaxValue).Select((record, place) => Read(context, record, options.Offset + place))];
        if (items.Length == 0)
        {
            throw new HaloException("no items are left after offset and limit", Files(context)[0], "choose a smaller --offset, or get the file again");
        }

        // The longest first, so that what does not fit fails at once.
        Item[] order = [.. items.OrderByDescending(item => item.Ids.Length)];
        var answers = new Dictionary<int, string>();
        while (answers.Count < order.Length)
        {
            int rows = options.Batch > 0 ? options.Batch : context.Generator.RowsThatFit(order[answers.Count].Ids.Length + NewTokens);
            Item[] batch = order[answers.Count..Math.Min(answers.Count + rows, order.Length)];
            foreach ((Item item, string answer) in batch.Zip(Answer(context, batch)))
            {
                answers.Add(item.Index, answer);
            }

            context.Log.Progress($"{context.Model} {Name}", answers.Count, order.Length, "");
        }

        double[] scores = [.. items.Select(item => PythonText.ContainsIgnoringCase(answers[item.Index], item.Value) ? 1.0 : 0.0)];
        for (int i = 0; i < items.Length; i++)
        {
            context.Samples?.Write(new JsonObject
            {
                ["task"] = Name,
                ["model"] = context.Model,
                ["doc_index"] = items[i].Index,
                ["input"] = items[i].Text,
                ["value"] = items[i].Value,
                ["prediction"] = answers[items[i].Index],
                ["contains"] = scores[i],
                ["token_count"] = items[i].Ids.Length,
            });
        }

        (double mean, double? error) = Statistics.Mean(scores);
        return [context.Record(Name, "contains", mean, error, scores.Length, new JsonObject { ["offset"] = options.Offset, ["samples"] = scores.Length })];
    }

    private static string[] Answer(EvaluationContext context, Item[] items)
    {
        var written = items.Select(_ => new List<int>()).ToArray();
        bool EndsRow(int row, int id)
        {
            written[row].Add(id);
            return context.Tokenizer.Decode(written[row], skipSpecialTokens: true).Contains('\n', StringComparison.Ordinal);
        }

        var generation = new GenerationOptions { MaxTokens = NewTokens, StopIds = context.StopIds, EndsRow = EndsRow };
        int[][] outputs = context.Generator.Generate([.. items.Select(item => item.Ids)], generation, context.Cancellation);
        return [.. outputs.Select(ids => context.Tokenizer.Decode(ids, skipSpecialTokens: true).Split('\n')[0])];
    }

    private Item Read(EvaluationContext context, JsonObject record, int index)
    {
        string where = $"{Files(context)[0]}, item {index + 1}";
        try
        {
            string text = record.Text("text");
            int[] ids = context.Tokenizer.Encode(text);
            return ids.Length > 0 ? new Item(index, text, record.Text("value"), ids) : throw new FormatException("its text is empty");
        }
        catch (Exception error) when (error is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new HaloException($"the record is no item of {Name}: {error.Message.TrimEnd('.')}", where, "give records with text and value", error);
        }
    }

    private IReadOnlyList<string> Files(EvaluationContext context) => BenchmarkFiles.Find(context.Options.BenchmarksFolder, Name, [Name], Splits, null);

    private sealed record Item(int Index, string Text, string Value, int[] Ids);
}
