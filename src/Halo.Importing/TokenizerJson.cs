using System.Text.Json.Nodes;

namespace Halo.Importing;

/// <summary>Builds the object of a Hugging Face tokenizer.json.</summary>
internal static class TokenizerJson
{
    private const string Space = "\u2581";

    // No trained piece is longer; without a bound a hostile one would take time of its length squared.
    private const int LongestMerged = 256;
    private const string QwenSplit = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /// <summary>A byte-level tokenizer; null where the split is not known. <paramref name="split"/>: llama.cpp's name of it.</summary>
    public static JsonObject? ByteLevel(string[] tokens, string[] merges, IReadOnlyList<(int Id, bool Special)> added, string split)
    {
        JsonObject? normalizer = split is "qwen2" ? new JsonObject { ["type"] = "NFC" } : null;
        JsonObject? first = split switch
        {
            "qwen2" => new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = QwenSplit }, ["behavior"] = "Isolated", ["invert"] = false },
            "smollm" => new JsonObject { ["type"] = "Digits", ["individual_digits"] = true },
            _ => null,
        };
        if (first is null)
        {
            return null;
        }

        // A control token is an added token alone where no merge makes it.
        JsonObject pieces = Vocabulary(tokens);
        var second = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = split == "smollm" };
        return Whole(
            tokens, added, normalizer, new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(first, second) },
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            new JsonObject { ["type"] = "BPE", ["unk_token"] = null, ["byte_fallback"] = false, ["vocab"] = pieces, ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)merge)]) });
    }

    /// <summary>
    /// BPE with byte fallback out of a SentencePiece vocabulary: a piece of greater score merges earlier; among the ways to make a piece, and among equal
    /// scores, the order of Hugging Face's converter.
    /// </summary>
    public static JsonObject SentencePiece(string[] tokens, double[] scores, IReadOnlyList<(int Id, bool Special)> added, bool prefix)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < tokens.Length; id++)
        {
            ids.TryAdd(tokens[id], id);
        }

        var merges = new List<(string Left, string Right, double Score)>();
        foreach ((string piece, int id) in ids.OrderBy(entry => entry.Value))
        {
            var ways = new List<(int Left, int Right)>();
            for (int cut = 1; cut < (piece.Length > LongestMerged ? 0 : piece.Length); cut++)
            {
                if (!char.IsLowSurrogate(piece[cut]) && ids.TryGetValue(piece[..cut], out int left) && ids.TryGetValue(piece[cut..], out int right))
                {
                    ways.Add((left, right));
                }
            }

            merges.AddRange(ways.Order().Select(way => (tokens[way.Left], tokens[way.Right], scores[id])));
        }

        JsonNode replace = new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = " " }, ["content"] = Space };
        var decoders = new JsonArray(
            new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = Space }, ["content"] = " " }, new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (prefix)
        {
            decoders.Add((JsonNode)new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        }

        return Whole(
            tokens, added,
            new JsonObject { ["type"] = "Sequence", ["normalizers"] = prefix ? new JsonArray(new JsonObject { ["type"] = "Prepend", ["prepend"] = Space }, replace) : new JsonArray(replace) },
            null,
            new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders },
            new JsonObject
            {
                ["type"] = "BPE", ["unk_token"] = ids.ContainsKey("<unk>") ? "<unk>" : null, ["fuse_unk"] = true, ["byte_fallback"] = true, ["vocab"] = Vocabulary(tokens),
                ["merges"] = new JsonArray([.. merges.OrderByDescending(merge => merge.Score).Select(merge => (JsonNode)new JsonArray(merge.Left, merge.Right))]),
            });
    }

    /// <summary>tokenizer_config.json.</summary>
    public static JsonObject Configuration(string? bos, string? eos, string? pad, string? template)
    {
        var json = new JsonObject { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["bos_token"] = bos, ["eos_token"] = eos, ["pad_token"] = pad, ["clean_up_tokenization_spaces"] = false };
        if (template is not null)
        {
            json["chat_template"] = template;
        }

        return json;
    }

    private static JsonObject Vocabulary(string[] tokens)
    {
        var json = new JsonObject();
        for (int id = 0; id < tokens.Length; id++)
        {
            json.TryAdd(tokens[id], (JsonNode)id);
        }

        return json;
    }

    private static JsonObject Whole(string[] tokens, IReadOnlyList<(int Id, bool Special)> added, JsonObject? normalizer, JsonObject? split, JsonObject decoder, JsonObject model) => new()
    {
        ["version"] = "1.0", ["truncation"] = null, ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. added.Select(token => (JsonNode)new JsonObject
        {
            ["id"] = token.Id, ["content"] = tokens[token.Id], ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = token.Special,
        })]),
        ["normalizer"] = normalizer, ["pre_tokenizer"] = split, ["post_processor"] = null, ["decoder"] = decoder, ["model"] = model,
    };
}
