using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Text.Tokenization;

/// <summary>Reads tokenizer.json and tokenizer_config.json; whatever Halo does not compute is an error that names the key.</summary>
internal sealed class TokenizerReader
{
    private const string Remedy = "Halo reads byte-level BPE tokenizers as those of Qwen2 and Qwen3";
    private const int GreatestId = 1 << 24;
    private readonly string _path;
    private readonly JsonObject _json;

    private TokenizerReader(string path)
    {
        _path = path;
        _json = JsonFile.ReadObject(path, "give a folder with tokenizer.json");
    }

    /// <summary>Reads the tokenizer of a folder.</summary>
    public static TokenizerParts Read(string folder)
    {
        var reader = new TokenizerReader(Path.Combine(folder, "tokenizer.json"));
        string configuration = Path.Combine(folder, "tokenizer_config.json");
        JsonObject? settings = File.Exists(configuration) ? JsonFile.ReadObject(configuration, "mend the file") : null;
        try
        {
            return reader.Read(settings);
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException or ArgumentException)
        {
            throw reader.Error($"the tokenizer is broken ({error.Message.TrimEnd('.')})");
        }
    }

    private TokenizerParts Read(JsonObject? settings)
    {
        JsonObject model = _json["model"] as JsonObject ?? throw Error("the key 'model' is missing");
        if (Text(model["type"]) is not ("BPE" or null))
        {
            throw Error($"model.type is '{model["type"]}'");
        }

        foreach (string key in new[] { "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (model[key] is { } value && value.ToString().Length > 0)
            {
                throw Error($"model.{key} is {value.ToJsonString()}");
            }
        }

        if (Flag(model["byte_fallback"]) || Flag(model["ignore_merges"]))
        {
            throw Error("model.byte_fallback or model.ignore_merges is true");
        }

        Dictionary<string, int> vocabulary = Vocabulary(model);
        return new TokenizerParts(
            vocabulary,
            Merges(model, vocabulary),
            [.. ByteAlphabet.Characters.Select(character => vocabulary.TryGetValue(character.ToString(), out int id) ? id : -1)],
            AddedTokens(),
            Normalizer(),
            PreTokenizer(),
            TokenName(settings?["bos_token"]),
            TokenName(settings?["eos_token"]));
    }

    private Dictionary<string, int> Vocabulary(JsonObject model)
    {
        var entries = model["vocab"] as JsonObject ?? throw Error("model.vocab is missing");
        var result = new Dictionary<string, int>(entries.Count, StringComparer.Ordinal);
        foreach ((string entry, JsonNode? id) in entries)
        {
            result[entry] = Id(id, $"model.vocab[\"{entry}\"]");
        }

        return result.Count > 0 ? result : throw Error("model.vocab is empty");
    }

    private Dictionary<ulong, (int Rank, int Id)> Merges(JsonObject model, Dictionary<string, int> vocabulary)
    {
        var pairs = model["merges"] as JsonArray ?? throw Error("model.merges is missing");
        var result = new Dictionary<ulong, (int, int)>(pairs.Count);
        for (int rank = 0; rank < pairs.Count; rank++)
        {
            string[] sides = pairs[rank] is JsonArray { Count: 2 } pair ? [$"{pair[0]}", $"{pair[1]}"] : pairs[rank]?.ToString().Split(' ') ?? [];
            if (sides.Length != 2 || !vocabulary.TryGetValue(sides[0], out int left) || !vocabulary.TryGetValue(sides[1], out int right) || !vocabulary.TryGetValue(sides[0] + sides[1], out int merged))
            {
                throw Error($"model.merges[{rank}] is {pairs[rank]?.ToJsonString()}: its parts are not in the vocabulary");
            }

            result.TryAdd(((ulong)(uint)left << 32) | (uint)right, (rank, merged));
        }

        return result;
    }

    private List<AddedToken> AddedTokens()
    {
        var result = new List<AddedToken>();
        foreach (JsonNode? node in _json["added_tokens"] as JsonArray ?? [])
        {
            if (node is not JsonObject token || Text(token["content"]) is not { Length: > 0 } content)
            {
                throw Error("an entry of added_tokens has no content");
            }

            if (Flag(token["lstrip"]) || Flag(token["rstrip"]) || Flag(token["single_word"]))
            {
                throw Error($"the added token '{content}' has lstrip, rstrip or single_word");
            }

            result.Add(new AddedToken(Id(token["id"], $"added_tokens '{content}'"), content, Flag(token["special"])));
        }

        return result;
    }

    private bool Normalizer() => Text((_json["normalizer"] as JsonObject)?["type"]) switch
    {
        null => false,
        "NFC" => true,
        var other => throw Error($"normalizer.type is '{other}'"),
    };

    private QwenPreTokenizer PreTokenizer()
    {
        var outer = _json["pre_tokenizer"] as JsonObject;
        JsonArray steps = outer?["pretokenizers"] as JsonArray ?? [outer?.DeepClone()];
        string? pattern = steps.OfType<JsonObject>().Where(step => Text(step["type"]) == "Split").Select(step => Text((step["pattern"] as JsonObject)?["Regex"])).FirstOrDefault();
        bool byteLevel = steps.OfType<JsonObject>().Any(step => Text(step["type"]) == "ByteLevel" && !Flag(step["add_prefix_space"]) && !Flag(step["use_regex"]));
        return pattern == QwenPreTokenizer.Pattern && byteLevel && steps.Count == 2
            ? new QwenPreTokenizer()
            : throw Error($"pre_tokenizer is not one that Halo knows (pattern {pattern ?? "none"})");
    }

    private int Id(JsonNode? node, string key) =>
        node is JsonValue value && value.TryGetValue(out int id) && id is >= 0 and < GreatestId ? id : throw Error($"{key} has no proper id");

    private static string? TokenName(JsonNode? node) => node is JsonObject token ? Text(token["content"]) : Text(node);

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static bool Flag(JsonNode? node) => node is JsonValue value && value.TryGetValue(out bool flag) && flag;

    private HaloException Error(string what) => new(what, _path, Remedy);
}
