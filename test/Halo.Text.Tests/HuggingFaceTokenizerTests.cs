using System.Text.Json.Nodes;
using Halo.Testing;

namespace Halo.Text.Tests;

public class HuggingFaceTokenizerTests
{
    private static readonly Lazy<HuggingFaceTokenizer> Qwen3 = new(() => GoldenTokenizer.Load("qwen3"));

    [Theory]
    [InlineData("qwen3", 605)]
    [InlineData("smollm2", 596)]
    public void IdsAndTextEqualTheReference(string name, int count)
    {
        HuggingFaceTokenizer tokenizer = GoldenTokenizer.Load(name);
        int records = 0;
        var faults = new List<string>();
        foreach (string line in Golden.Lines($"tokenizer/{name}.jsonl"))
        {
            JsonNode entry = JsonNode.Parse(line)!;
            int[] expected = Ids(entry["ids"]!);
            int[] actual = tokenizer.Encode(entry["text"]!.GetValue<string>());
            string decoded = tokenizer.Decode(expected);
            string skipped = tokenizer.Decode(expected, skipSpecialTokens: true);
            string expectedText = entry["decoded"]!.GetValue<string>();
            if (!actual.SequenceEqual(expected) || decoded != expectedText || skipped != (entry["decoded_skip_special"]?.GetValue<string>() ?? expectedText))
            {
                faults.Add(entry["name"]!.GetValue<string>());
            }

            records++;
        }

        Assert.Empty(faults);
        Assert.Equal(count, records);
    }

    [Fact]
    public void StreamsHandOutWhatTheReferenceHandsOut()
    {
        int records = 0;
        foreach (string line in Golden.Lines("tokenizer/qwen3-stream.jsonl"))
        {
            JsonNode entry = JsonNode.Parse(line)!;
            StreamDecoder stream = Qwen3.Value.Stream(entry["skip_special_tokens"]?.GetValue<bool>() ?? false);
            Assert.Equal(entry["pieces"]!.AsArray().Select(piece => piece!.GetValue<string>()), Ids(entry["ids"]!).Select(stream.Push));
            Assert.Equal(entry["end"]!.GetValue<string>(), stream.End());
            records++;
        }

        Assert.Equal(70, records);
    }

    [Fact]
    public void SpecialIdsAreFound()
    {
        Assert.Equal(151645, Qwen3.Value.EosId);
        Assert.Null(Qwen3.Value.BosId);
        Assert.Equal(151643, Qwen3.Value.DocumentEndId);
        Assert.Equal(151669, Qwen3.Value.VocabularySize);
    }

    private static int[] Ids(JsonNode node) => [.. node.AsArray().Select(id => id!.GetValue<int>())];
}
