using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Tensors;

namespace Halo.Importing;

/// <summary>Makes tokenizer.json of the tokenizer that a GGUF file carries.</summary>
internal static class GgufTokenizer
{
    private const int Normal = 1;
    private const int Control = 3;
    private const int UserDefined = 4;
    private const string Key = "tokenizer.ggml.";

    /// <summary>tokenizer.json and tokenizer_config.json.</summary>
    /// <exception cref="HaloException">The file carries none, or one that Halo does not know.</exception>
    public static IReadOnlyDictionary<string, JsonObject> Make(GgufFile file)
    {
        const string remedy = "lay the model's tokenizer.json beside the file";
        T Need<T>(string key) => file.Values.GetValueOrDefault(Key + key) is T value ? value : throw new HaloException($"{Key}{key} is missing or of another type", file.Path, remedy);
        string[] tokens = Need<string[]>("tokens");
        double[] kinds = file.Values.GetValueOrDefault(Key + "token_type") as double[] ?? [.. Enumerable.Repeat((double)Normal, tokens.Length)];
        if (kinds.Length != tokens.Length)
        {
            throw new HaloException($"there are {tokens.Length} tokens and {kinds.Length} token types", file.Path, remedy);
        }

        (int, bool)[] added = [.. Enumerable.Range(0, tokens.Length).Where(id => kinds[id] is Control or UserDefined && tokens[id].Length > 0).Select(id => (id, kinds[id] == Control))];
        string model = Need<string>("model");
        JsonObject json;
        switch (model)
        {
            case "gpt2":
                string split = file.Values.GetValueOrDefault(Key + "pre") as string ?? "default";
                json = TokenizerJson.ByteLevel(tokens, Need<string[]>("merges"), added, split)
                    ?? throw new HaloException($"the pre-tokenizer '{split}' is not one that Halo knows", file.Path, remedy);
                break;
            case "llama":
                double[] scores = Need<double[]>("scores");
                json = scores.Length == tokens.Length
                    ? TokenizerJson.SentencePiece(tokens, scores, added, file.Values.GetValueOrDefault(Key + "add_space_prefix") is not false)
                    : throw new HaloException($"there are {tokens.Length} tokens and {scores.Length} scores", file.Path, remedy);
                break;
            default:
                throw new HaloException($"the tokenizer model '{model}' is not one that Halo knows", file.Path, remedy);
        }

        string? Name(string which) => file.Values.GetValueOrDefault($"{Key}{which}_token_id") is long id && id >= 0 && id < tokens.Length ? tokens[id] : null;
        return new Dictionary<string, JsonObject>
        {
            ["tokenizer.json"] = json,
            ["tokenizer_config.json"] = TokenizerJson.Configuration(Name("bos"), Name("eos"), Name("padding"), file.Values.GetValueOrDefault("tokenizer.chat_template") as string),
        };
    }
}
