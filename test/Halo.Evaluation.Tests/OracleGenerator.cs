using System.Text.RegularExpressions;
using Halo.Inference;

namespace Halo.Evaluation.Tests;

/// <summary>Answers with the value that stands in the prompt where <paramref name="knows"/> says so, else with nothing of use.</summary>
internal sealed partial class OracleGenerator(Func<string, bool> knows) : IGenerator
{
    private readonly AsciiTokenizer tokenizer = new();

    public List<int> Batches { get; } = [];

    public int[][] Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, CancellationToken cancellation = default, Action<int, int>? onToken = null)
    {
        Batches.Add(prompts.Count);
        return [.. prompts.Select((prompt, row) => Write(tokenizer.Decode(prompt), row, options))];
    }

    public int RowsThatFit(int length) => 3;

    private int[] Write(string prompt, int row, GenerationOptions options)
    {
        string answer = knows(prompt) ? $" {Value().Match(prompt).Groups[1].Value}. And more" : " nothing";
        var written = new List<int>();
        foreach (int id in tokenizer.Encode(answer).Take(options.MaxTokens))
        {
            written.Add(id);
            if (options.EndsRow?.Invoke(row, id) ?? false)
            {
                break;
            }
        }

        return [.. written];
    }

    [GeneratedRegex(@" is: ([0-9a-f-]+)\.")]
    private static partial Regex Value();
}
