using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text.Tokenization;

namespace Halo.Text;

/// <summary>Makes a small byte-level BPE tokenizer of the first merges of a large one: the merges of BPE are ordered, so a prefix is itself a tokenizer.</summary>
public static class TokenizerTruncation
{
    /// <summary>Writes tokenizer.json and tokenizer_config.json with 256 bytes, <paramref name="merges"/> merges and the special tokens, ids dense in this order.</summary>
    /// <param name="sourceFolder">Folder of the large tokenizer.</param>
    /// <param name="targetFolder">Folder to write.</param>
    /// <param name="merges">Number of merges kept.</param>
    /// <param name="specialTokens">Special tokens; the first ends documents, pads and ends sequences.</param>
    /// <exception cref="HaloException">The source is broken or has fewer merges.</exception>
    public static void Write(string sourceFolder, string targetFolder, int merges, IReadOnlyList<string> specialTokens)
    {
        string path = Path.Combine(sourceFolder, "tokenizer.json");
        _ = TokenizerReader.Read(sourceFolder);
        JsonObject json = JsonFile.ReadObject(path, "give a folder with tokenizer.json");
        JsonArray all = json["model"]!["merges"]!.AsArray();
        if (merges < 0 || merges > all.Count)
        {
            throw new HaloException($"{merges} merges are asked for, the tokenizer has {all.Count}", path, "ask for fewer");
        }

        var vocabulary = new JsonObject();
        foreach (char character in ByteAlphabet.Characters)
        {
            vocabulary[character.ToString()] = vocabulary.Count;
        }

        var kept = new JsonArray();
        foreach (JsonNode? merge in all.Take(merges))
        {
            string[] sides = merge is JsonArray pair ? [pair[0]!.ToString(), pair[1]!.ToString()] : merge!.ToString().Split(' ');
            kept.Add(new JsonArray(sides[0], sides[1]));
            if (!vocabulary.ContainsKey(sides[0] + sides[1]))
            {
                vocabulary[sides[0] + sides[1]] = vocabulary.Count;
            }
        }

        int first = vocabulary.Count;
        json["model"]!["vocab"] = vocabulary;
        json["model"]!["merges"] = kept;
        json["added_tokens"] = new JsonArray([.. specialTokens.Select((token, index) => new JsonObject
        {
            ["id"] = first + index, ["content"] = token, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
        })]);
        var settings = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["bos_token"] = null,
            ["eos_token"] = specialTokens[0],
            ["pad_token"] = specialTokens[0],
            ["clean_up_tokenization_spaces"] = false,
        };
        AtomicFile.WriteAllText(Path.Combine(targetFolder, "tokenizer.json"), json.ToJsonString(HaloJson.Line) + "\n");
        AtomicFile.WriteAllText(Path.Combine(targetFolder, "tokenizer_config.json"), settings.ToJsonString(HaloJson.Indented) + "\n");
    }
}
