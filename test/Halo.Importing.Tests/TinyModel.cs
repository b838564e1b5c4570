using System.Text;

namespace Halo.Importing.Tests;

/// <summary>Makes small GGUF and llama2.c files: width 16, 2 layers, 2 query heads, 1 key/value head, 7 + 256 tokens. Element i of a tensor is i.</summary>
internal static class TinyModel
{
    public const int Width = 16;
    public const int Layers = 2;
    public const int Heads = 2;
    public const int KeyHeads = 1;
    public const int Inner = 12;

    /// <summary>SentencePiece pieces with their scores: control tokens, all bytes, then characters and what they merge to.</summary>
    public static readonly (string Text, float Score)[] Pieces =
    [
        ("<unk>", 0), ("<s>", 0), ("</s>", 0), .. Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", 0f)),
        ("\u2581", -10), ("a", -11), ("b", -12), ("ab", -1), ("\u2581ab", -2), ("ba", -0.5f), ("aba", -3),
    ];

    public static byte[] Gguf(string architecture, uint rotated = Width / Heads, uint tensorType = 0, float theta = 10000, float[]? ropeFactors = null, bool overlapping = false)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        var pairs = new List<Action>();
        void Pair(string key, uint type, Action value) => pairs.Add(() =>
        {
            Text(writer, key);
            writer.Write(type);
            value();
        });
        void Number(string key, uint value) => Pair(key, 4, () => writer.Write(value));
        void List(string key, uint type, int count, Action<int> item) => Pair(key, 9, () =>
        {
            writer.Write(type);
            writer.Write((long)count);
            for (int i = 0; i < count; i++)
            {
                item(i);
            }
        });
        Pair("general.architecture", 8, () => Text(writer, architecture));
        Number($"{architecture}.embedding_length", Width);
        Number($"{architecture}.block_count", Layers);
        Number($"{architecture}.feed_forward_length", Inner);
        Number($"{architecture}.attention.head_count", Heads);
        Number($"{architecture}.attention.head_count_kv", KeyHeads);
        Number($"{architecture}.context_length", 64);
        Number($"{architecture}.rope.dimension_count", rotated);
        Pair($"{architecture}.rope.freq_base", 6, () => writer.Write(theta));
        Pair($"{architecture}.attention.layer_norm_rms_epsilon", 6, () => writer.Write(1e-5f));
        Pair("tokenizer.ggml.model", 8, () => Text(writer, "llama"));
        List("tokenizer.ggml.tokens", 8, Pieces.Length, i => Text(writer, Pieces[i].Text));
        List("tokenizer.ggml.scores", 6, Pieces.Length, i => writer.Write(Pieces[i].Score));
        List("tokenizer.ggml.token_type", 5, Pieces.Length, i => writer.Write(i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1));
        Number("tokenizer.ggml.bos_token_id", 1);
        Number("tokenizer.ggml.eos_token_id", 2);

        (string Name, long[] Shape)[] tensors = [.. Tensors(architecture), .. ropeFactors is null ? [] : new[] { ("rope_freqs.weight", new long[] { ropeFactors.Length }) }];
        writer.Write(0x46554747u);
        writer.Write(3u);
        writer.Write((long)tensors.Length);
        writer.Write((long)pairs.Count);
        pairs.ForEach(pair => pair());
        long offset = 0;
        foreach ((string name, long[] shape) in tensors)
        {
            Text(writer, name);
            writer.Write(shape.Length);
            foreach (long size in shape.Reverse())
            {
                writer.Write(size);
            }

            writer.Write(tensorType);
            writer.Write(offset);
            offset += overlapping ? 0 : (Count(shape) * 4 + 31) / 32 * 32;
        }

        foreach ((string name, long[] shape) in tensors)
        {
            writer.Write(new byte[(32 - (stream.Position % 32)) % 32]);
            if (name == "rope_freqs.weight")
            {
                Array.ForEach(ropeFactors!, writer.Write);
            }
            else
            {
                Ramp(writer, shape);
            }
        }

        return stream.ToArray();
    }

    public static byte[] Llama2c()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (int value in new[] { Width, Inner, Layers, Heads, KeyHeads, Pieces.Length, 64 })
        {
            writer.Write(value);
        }

        const int keys = Width / Heads * KeyHeads;
        Ramp(writer, Pieces.Length, Width);
        foreach (long[] shape in new long[][] { [Width], [Width, Width], [keys, Width], [keys, Width], [Width, Width], [Width], [Inner, Width], [Width, Inner], [Inner, Width] })
        {
            for (int layer = 0; layer < Layers; layer++)
            {
                Ramp(writer, shape);
            }
        }

        Ramp(writer, Width);
        Ramp(writer, 64, Width / Heads);
        return stream.ToArray();
    }

    /// <summary>llama2.c's tokenizer file; its pieces have plain spaces.</summary>
    public static byte[] Llama2cTokenizer()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(16);
        foreach ((string text, float score) in Pieces)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text.Replace('\u2581', ' '));
            writer.Write(score);
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }

        return stream.ToArray();
    }

    private static IEnumerable<(string Name, long[] Shape)> Tensors(string architecture)
    {
        const long keys = Width / Heads * KeyHeads;
        yield return ("token_embd.weight", [Pieces.Length, Width]);
        yield return ("output_norm.weight", [Width]);
        for (int layer = 0; layer < Layers; layer++)
        {
            string block = $"blk.{layer}.";
            yield return (block + "attn_norm.weight", [Width]);
            yield return (block + "ffn_norm.weight", [Width]);
            yield return (block + "attn_q.weight", [Width, Width]);
            yield return (block + "attn_k.weight", [keys, Width]);
            yield return (block + "attn_v.weight", [keys, Width]);
            yield return (block + "attn_output.weight", [Width, Width]);
            yield return (block + "ffn_gate.weight", [Inner, Width]);
            yield return (block + "ffn_up.weight", [Inner, Width]);
            yield return (block + "ffn_down.weight", [Width, Inner]);
            if (architecture == "qwen3")
            {
                yield return (block + "attn_q_norm.weight", [Width / Heads]);
                yield return (block + "attn_k_norm.weight", [Width / Heads]);
            }
            else if (architecture == "qwen2")
            {
                yield return (block + "attn_q.bias", [Width]);
                yield return (block + "attn_k.bias", [keys]);
                yield return (block + "attn_v.bias", [keys]);
            }
        }
    }

    private static long Count(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);

    private static void Ramp(BinaryWriter writer, params long[] shape)
    {
        for (long i = 0; i < Count(shape); i++)
        {
            writer.Write((float)i);
        }
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }
}
