using System.Text;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>A text's ids and the UTF-8 bytes that each of them makes.</summary>
internal sealed class EncodedText
{
    private readonly long[] bytesBefore;

    private EncodedText(int[] ids, long[] bytesBefore)
    {
        Ids = ids;
        this.bytesBefore = bytesBefore;
    }

    public int[] Ids { get; }

    /// <summary>Bytes of ids <paramref name="start"/> to <paramref name="end"/> - 1; a character made of several ids counts at its last.</summary>
    public long Bytes(int start, int end) => bytesBefore[end] - bytesBefore[start];

    /// <summary>Encodes at least <paramref name="needed"/> ids of the text's beginning, or all of it where it has no more.</summary>
    public static EncodedText Encode(ITokenizer tokenizer, string text, long? needed)
    {
        // The last ids of a text cut short may differ from those of the whole, so a good number more are asked for.
        const int margin = 64;
        for (long characters = ((needed ?? text.Length) + margin) * 6; ; characters *= 2)
        {
            bool all = needed is null || characters >= text.Length;
            int[] ids = tokenizer.Encode(all ? text : text[..(int)characters]);
            if (all || ids.Length >= needed + margin)
            {
                return Measure(tokenizer, all ? ids : ids[..(int)needed!.Value]);
            }
        }
    }

    private static EncodedText Measure(ITokenizer tokenizer, int[] ids)
    {
        var before = new long[ids.Length + 1];
        StreamDecoder decoder = tokenizer.Stream();
        for (int i = 0; i < ids.Length; i++)
        {
            before[i + 1] = before[i] + Encoding.UTF8.GetByteCount(decoder.Push(ids[i]));
        }

        before[^1] += Encoding.UTF8.GetByteCount(decoder.End());
        return new EncodedText(ids, before);
    }
}
