using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Text.Tokenization;

/// <summary>Reads tokenizer.json and tokenizer_config.json; whatever Halo does not compute is an error that names the key.</summary>
internal sealed class TokenizerReader
{
    private const string Remedy = "Halo reads byte-level BPE tokenizers as those of Qwen2, Qwen3 and SmolLM2, and Llama's BPE with byte fallback";
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
        if (Text(model["type"], "model.type") is not ("BPE" or null))
        {
            throw Error($"model.type is '{model["type"]}'");
        }

        bool fallback = Flag(model["byte_fallback"], "model.byte_fallback");
        foreach (string key in (string[])["dropout", "continuing_subword_prefix", "end_of_word_suffix", .. fallback ? [] : (string[])["unk_token"]])
        {
            if (model[key] is { } value && value.ToString().Length > 0)
            {
                throw Error($"model.{key} is {value.ToJsonString()}");
            }
        }

        if (Flag(model["ignore_merges"], "model.ignore_merges"))
        {
            throw Error("model.ignore_merges is true");
        }

        Dictionary<string, int> vocabulary = Vocabulary(model);
        Dictionary<ulong, (int Rank, int Id)> merges = Merges(model, vocabulary);
        bool prefix = fallback && SentencePiecePrefix();
        IStretchEncoder encoder = fallback
            ? new SentencePieceEncoder(vocabulary, new BytePairEncoder([], merges), prefix, Text(model["unk_token"], "model.unk_token") is { } unknown && vocabulary.TryGetValue(unknown, out int id) ? id : null)
            : new ByteLevelEncoder(new BytePairEncoder([.. ByteAlphabet.Characters.Select(character => vocabulary.TryGetValue(character.ToString(), out int id) ? id : -1)], merges), PreTokenizer(), Normalizer());
        return new TokenizerParts(vocabulary, encoder, AddedTokens(), prefix, TokenName(settings?["bos_token"], "bos_token"), TokenName(settings?["eos_token"], "eos_token"));
    }

    // Llama's form: normalizer [Prepend U+2581,] Replace " " by U+2581; no pre-tokenizer.
    private bool SentencePiecePrefix()
    {
        JsonObject? normalizer = Object(_json["normalizer"], "normalizer");
        JsonArray steps = normalizer?["normalizers"] as JsonArray ?? [normalizer?.DeepClone()];
        bool prepends = steps is [JsonObject, JsonObject] && Text(steps[0]!["type"], "normalizer.type") == "Prepend" && Text(steps[0]!["prepend"], "prepend") == $"{SentencePieceEncoder.Space}";
        bool replaces = steps[^1] is JsonObject last && Text(last["type"], "normalizer.type") == "Replace"
            && Text((last["pattern"] as JsonObject)?["String"], "pattern.String") == " " && Text(last["content"], "content") == $"{SentencePieceEncoder.Space}";
        return replaces && steps.Count == (prepends ? 2 : 1) && _json["pre_tokenizer"] is null
            ? prepends
            : throw Error($"the normalizer of a byte_fallback model is not one that Halo knows ({Short(normalizer)})");
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
            string?[] sides = pairs[rank] is JsonArray { Count: 2 } pair
                ? [Text(pair[0], "model.merges"), Text(pair[1], "model.merges")]
                : [.. Text(pairs[rank], "model.merges")?.Split(' ') ?? []];
            if (sides is not [{ } first, { } second] || !vocabulary.TryGetValue(first, out int left) || !vocabulary.TryGetValue(second, out int right) || !vocabulary.TryGetValue(first + second, out int merged))
            {
                throw Error($"model.merges[{rank}] is {Short(pairs[rank])}: its parts are not in the vocabulary");
            }

            result.TryAdd(((ulong)(uint)left << 32) | (uint)right, (rank, merged));
        }

        return result;
    }

    private List<AddedToken> AddedTokens()
    {
        var result = new List<AddedToken>();
        foreach (JsonNode? node in Array(_json["added_tokens"], "added_tokens"))
        {
            if (node is not JsonObject token || Text(token["content"], "added_tokens.content") is not { Length: > 0 } content)
            {
                throw Error("an entry of added_tokens has no content");
            }

            if (Flag(token["lstrip"], "lstrip") || Flag(token["rstrip"], "rstrip") || Flag(token["single_word"], "single_word"))
            {
                throw Error($"the added token '{content}' has lstrip, rstrip or single_word");
            }

            result.Add(new AddedToken(Id(token["id"], $"added_tokens '{content}'"), content, Flag(token["special"], "special")));
        }

        return result;
    }

    private bool Normalizer() => Object(_json["normalizer"], "normalizer") is not { } normalizer ? false
        : Text(normalizer["type"], "normalizer.type") == "NFC" ? true
        : throw Error($"normalizer is {Short(normalizer)}");

    private IPreTokenizer PreTokenizer()
    {
        JsonObject? outer = Object(_json["pre_tokenizer"], "pre_tokenizer");
        JsonArray steps = outer?["pretokenizers"] as JsonArray ?? [outer?.DeepClone()];
        if (steps is [JsonObject first, JsonObject second] && Text(second["type"], "pre_tokenizer") == "ByteLevel" && !Flag(second["add_prefix_space"], "add_prefix_space", true))
        {
            bool expression = Flag(second["use_regex"], "use_regex", true);
            string? kind = Text(first["type"], "pre_tokenizer");
            if (kind == "Digits" && expression && Flag(first["individual_digits"], "individual_digits"))
            {
                return new DigitsPreTokenizer();
            }

            bool isolated = Text(first["behavior"], "behavior") is "Isolated" or null && !Flag(first["invert"], "invert");
            if (kind == "Split" && !expression && isolated && Text((first["pattern"] as JsonObject)?["Regex"], "pattern.Regex") == QwenPreTokenizer.Pattern)
            {
                return new QwenPreTokenizer();
            }
        }

        throw Error($"pre_tokenizer is not one that Halo knows ({Short(outer)})");
    }

    private int Id(JsonNode? node, string key) =>
        node is JsonValue value && value.TryGetValue(out int id) && id is >= 0 and < GreatestId ? id : throw Error($"{key} has no proper id");

    private string? TokenName(JsonNode? node, string key) => node is JsonObject token ? Text(token["content"], $"{key}.content") : Text(node, key);

    // A value of the wrong type is an error, never as good as none.
    private JsonObject? Object(JsonNode? node, string key) => node is null or JsonObject ? node as JsonObject : throw Error($"{key} is no object: {Short(node)}");

    private JsonArray Array(JsonNode? node, string key) => node is null ? [] : node as JsonArray ?? throw Error($"{key} is no list: {Short(node)}");

    private string? Text(JsonNode? node, string key) =>
        node is null ? null : node is JsonValue value && value.TryGetValue(out string? text) ? text : throw Error($"{key} is no string: {Short(node)}");

    private bool Flag(JsonNode? node, string key, bool missing = false) =>
        node is null ? missing : node is JsonValue value && value.TryGetValue(out bool flag) ? flag : throw Error($"{key} is neither true nor false: {Short(node)}");

    private static string Short(JsonNode? node) => node?.ToJsonString() is not { } text ? "none" : text.Length <= 80 ? text : text[..80] + "...";

    private HaloException Error(string what) => new(what, _path, Remedy);
}
