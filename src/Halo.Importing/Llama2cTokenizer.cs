using System.Text;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Importing;

/// <summary>llama2.c's tokenizer file: the longest token's bytes, then for each token a float32 score, an int32 length, and its bytes with plain spaces.</summary>
internal static class Llama2cTokenizer
{
    private const int Beginning = 1;
    private const int End = 2;

    /// <summary>tokenizer.json and tokenizer_config.json.</summary>
    /// <exception cref="HaloException">The file is broken or has fewer tokens than the model.</exception>
    public static IReadOnlyDictionary<string, JsonObject> Make(string path, int vocabulary)
    {
        var tokens = new string[vocabulary];
        var scores = new double[vocabulary];
        try
        {
            using var reader = new BinaryReader(File.OpenRead(path));
            _ = reader.ReadInt32();
            for (int id = 0; id < vocabulary; id++)
            {
                scores[id] = reader.ReadSingle();
                int length = reader.ReadInt32();
                if (length < 0 || length > reader.BaseStream.Length - reader.BaseStream.Position || double.IsNaN(scores[id]))
                {
                    throw new HaloException($"token {id} has a length of {length}", path, "give the tokenizer that belongs to the model");
                }

                tokens[id] = Encoding.UTF8.GetString(reader.ReadBytes(length)).Replace(' ', '\u2581');
            }
        }
        catch (EndOfStreamException error)
        {
            throw new HaloException($"the file ends before token {vocabulary - 1:N0}", path, "give the tokenizer that belongs to the model", error);
        }

        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check the path and its permissions", error);
        }

        // The exporter writes these two with line breaks around.
        (int, bool)[] added = [];
        if (vocabulary > End)
        {
            (tokens[Beginning], tokens[End]) = ("<s>", "</s>");
            added = [(Beginning, true), (End, true)];
        }

        return new Dictionary<string, JsonObject>
        {
            ["tokenizer.json"] = TokenizerJson.SentencePiece(tokens, scores, added, prefix: true),
            ["tokenizer_config.json"] = TokenizerJson.Configuration("<s>", "</s>", null, null),
        };
    }
}
