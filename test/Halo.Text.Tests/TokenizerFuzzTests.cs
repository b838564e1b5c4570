using System.Text.Json.Nodes;
using CsCheck;
using Halo.Core;

namespace Halo.Text.Tests;

/// <summary>Damaged tokenizer files are refused with a message, or are still tokenizers; one tokenizer serves many threads.</summary>
public sealed class TokenizerFuzzTests : IDisposable
{
    private const int Tries = 1_000;
    private static readonly string[] Replacements = ["null", "true", "1", "-1", "1e999", "3.5", "\"x\"", "\"\"", "[]", "{}", "[[]]", "{\"type\":7}", "4294967296", "[null]", "\"BPE\""];
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-tokenizer-").FullName;
    private readonly string _small;

    public TokenizerFuzzTests()
    {
        TokenizerTruncation.Write(GoldenTokenizer.Folder("qwen3"), _folder, 12, ["<|endoftext|>", "<|im_start|>"]);
        _small = File.ReadAllText(Path.Combine(_folder, "tokenizer.json"));
    }

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("model.type", "7")]
    [InlineData("model.type", "\"WordPiece\"")]
    [InlineData("model.byte_fallback", "\"yes\"")]
    [InlineData("model.merges", "{}")]
    [InlineData("model.merges", "[[1,2]]")]
    [InlineData("model.merges", "[\"a b c\"]")]
    [InlineData("model.vocab", "[]")]
    [InlineData("model.vocab", "{\"a\":\"b\"}")]
    [InlineData("model.vocab", "{\"a\":-1}")]
    [InlineData("model.vocab", "{\"a\":2000000000}")]
    [InlineData("model", "[]")]
    [InlineData("normalizer", "\"NFC\"")]
    [InlineData("normalizer", "{}")]
    [InlineData("normalizer", "[{\"type\":\"NFC\"}]")]
    [InlineData("normalizer", "{\"type\":7}")]
    [InlineData("pre_tokenizer", "null")]
    [InlineData("pre_tokenizer", "7")]
    [InlineData("pre_tokenizer", "[]")]
    [InlineData("pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[7,null]}")]
    [InlineData("added_tokens", "{}")]
    [InlineData("added_tokens", "[7]")]
    [InlineData("added_tokens", "[{\"id\":1,\"content\":7}]")]
    [InlineData("added_tokens", "[{\"id\":1,\"content\":\"a\",\"special\":\"yes\"}]")]
    public void AFieldOfTheWrongKindIsRefused(string key, string value)
    {
        JsonNode json = JsonNode.Parse(_small)!;
        string[] path = key.Split('.');
        JsonNode owner = path.Length == 1 ? json : json[path[0]]!;
        owner[path[^1]] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), json.ToJsonString());
        Assert.Contains("tokenizer.json", Assert.Throws<HaloException>(() => HuggingFaceTokenizer.Load(_folder)).Message);
    }

    [Theory]
    [InlineData("\"<|im_start|>\"", "\"\\ud800\"")]
    [InlineData("\"ByteLevel\"", "\"\\udfff\"")]
    [InlineData("\"NFC\"", "\"\\ud800\\ud800\"")]
    [InlineData("\"Ġ\"", "\"\\ud800\"")]
    public void HalfASurrogatePairIsRefused(string part, string replacement)
    {
        Assert.Contains(part, _small);
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), _small.Replace(part, replacement));
        Assert.Contains("tokenizer.json", Assert.Throws<HaloException>(() => HuggingFaceTokenizer.Load(_folder)).Message);
    }

    [Fact]
    public void OneThousandFilesWithAPartReplaced()
    {
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[0, Replacements.Length - 1], Gen.Bool).Sample((place, value, deletes) =>
        {
            string text = JsonNode.Parse(_small)!.ToJsonString();
            JsonNode json = JsonNode.Parse(text)!;
            Action<JsonNode?>[] setters = [.. Setters(json)];
            setters[place % setters.Length](deletes ? null : Parsed(Replacements[value]));
            Check(json.ToJsonString());
        }, iter: Tries, threads: 1);
    }

    [Fact]
    public void OneThousandFilesWithDamagedBytes()
    {
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[0, 3], Gen.Byte).Array[1, 5].Sample(changes =>
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(_small).ToList();
            foreach ((int at, int kind, byte value) in changes)
            {
                int place = at % bytes.Count;
                switch (kind)
                {
                    case 0:
                        bytes[place] = value;
                        break;
                    case 1:
                        bytes.RemoveAt(place);
                        break;
                    case 2:
                        bytes.Insert(place, value);
                        break;
                    default:
                        bytes.RemoveRange(place, Math.Min(bytes.Count - place - 1, value));
                        break;
                }
            }

            Check(bytes.ToArray());
        }, iter: Tries, threads: 1);
    }

    [Fact]
    public void ManyThreadsGetTheSameIds()
    {
        HuggingFaceTokenizer tokenizer = GoldenTokenizer.Load("smollm2");
        string[] texts = [.. Halo.Testing.Golden.Lines("tokenizer/smollm2.jsonl").Select(line => JsonNode.Parse(line)!["text"]!.GetValue<string>())];
        HuggingFaceTokenizer alone = GoldenTokenizer.Load("smollm2");
        int[][] expected = [.. texts.Select(alone.Encode)];
        Parallel.For(0, 8 * texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            Assert.Equal(expected[i % texts.Length], tokenizer.Encode(texts[i % texts.Length])));
    }

    private static JsonNode? Parsed(string value) => JsonNode.Parse(value);

    private static IEnumerable<Action<JsonNode?>> Setters(JsonNode? node)
    {
        if (node is JsonObject owner)
        {
            // Of the vocabulary a few entries stand for all: else hardly anything else would be hit.
            foreach (string key in owner.Select(property => property.Key).Take(owner.Count > 100 ? 3 : owner.Count).ToArray())
            {
                yield return value => owner[key] = value;
                foreach (Action<JsonNode?> inner in Setters(owner[key]))
                {
                    yield return inner;
                }
            }
        }
        else if (node is JsonArray list)
        {
            for (int i = 0; i < list.Count; i++)
            {
                int place = i;
                yield return value => list[place] = value;
                foreach (Action<JsonNode?> inner in Setters(list[i]))
                {
                    yield return inner;
                }
            }
        }
    }

    private void Check(string json) => Check(System.Text.Encoding.UTF8.GetBytes(json));

    private void Check(byte[] json)
    {
        File.WriteAllBytes(Path.Combine(_folder, "tokenizer.json"), json);
        try
        {
            HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(_folder);
            int[] ids = tokenizer.Encode("Hello <|im_start|> world, it's 1234 é😀\n\n  x");
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            tokenizer.Decode(ids);
        }
        catch (HaloException error)
        {
            Assert.Contains("tokenizer.json", error.Message);
        }
    }
}
