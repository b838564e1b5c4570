using System.Text.Json.Nodes;
using Halo.Inference;
using Halo.Testing;
using Halo.Text;

namespace Halo.Evaluation.Tests;

/// <summary>What lm-evaluation-harness computed, item by item.</summary>
internal static class GoldenItems
{
    private static readonly Lazy<HuggingFaceTokenizer> Loaded = new(() =>
    {
        string file = Golden.Path("tokenizer/smollm2/tokenizer.json");
        Golden.Path("tokenizer/smollm2/tokenizer_config.json");
        return HuggingFaceTokenizer.Load(Path.GetDirectoryName(file)!);
    });

    /// <summary>SmolLM2's tokenizer.</summary>
    public static ITokenizer Tokenizer => Loaded.Value;

    public static IEnumerable<JsonObject> Records(string file) => Golden.Lines($"eval/{file}.jsonl").Select(line => JsonNode.Parse(line)!.AsObject());

    public static int[] Ids(JsonNode? list) => [.. list!.AsArray().Select(id => id!.GetValue<int>())];

    /// <summary>How near a log-likelihood must be to loglikelihood_f64.</summary>
    public static double Tolerance(int ids) => 1e-4 + (1e-5 * ids);

    /// <summary>Writes benchmark files of the recorded items: <c>doc</c>, the original shape, or <c>local</c>, the plainer one.</summary>
    public static void WriteFiles(string folder, string shape)
    {
        foreach (IGrouping<string, JsonObject> task in Records("items").GroupBy(record => record["task"]!.GetValue<string>()))
        {
            File.WriteAllLines(Path.Combine(folder, task.Key + ".jsonl"), task.Select(record => record[shape]!.ToJsonString()));
        }
    }
}
