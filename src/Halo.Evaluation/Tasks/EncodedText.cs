using System.Text;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>A text's ids and the UTF-8 bytes that each of them makes.</summary>
internal sealed class EncodedText
{
    private const string Border = "<|endoftext|>";
    private readonly long[] bytesBefore;

    private EncodedText(int[] ids, long[] bytesBefore)
    {
        Ids = ids;
        this.bytesBefore = bytesBefore;
    }

    public int[] Ids { get; }

    /// <summary>Bytes of ids <paramref name="start"/> to <paramref name="end"/> - 1; a character made of several ids counts at its last.</summary>
    public long Bytes(int start, int end) => bytesBefore[end] - bytesBefore[start];

    /// <summary>
    /// Encodes at least <paramref name="needed"/> ids of the text's beginning, or all of it where it has no more. Where <c>&lt;|endoftext|&gt;</c> stands in the text and is no token,
    /// it is the border of documents, each of which gets the tokenizer's BOS in front.
    /// </summary>
    public static EncodedText Encode(ITokenizer tokenizer, string text, long? needed)
    {
        if (tokenizer.BosId is { } bos && tokenizer.TokenId(Border) is null && text.Contains(Border, StringComparison.Ordinal))
        {
            return Documents(tokenizer, bos, text, needed ?? long.MaxValue);
        }

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

    private static EncodedText Documents(ITokenizer tokenizer, int bos, string text, long needed)
    {
        var ids = new List<int>();
        var before = new List<long> { 0 };
        foreach (string document in text.Split(Border, StringSplitOptions.RemoveEmptyEntries).Select(document => document.Trim('\r', '\n')).Where(document => document.Length > 0))
        {
            if (ids.Count >= needed)
            {
                break;
            }

            // BOS is no part of the text.
            ids.Add(bos);
            before.Add(before[^1]);
            EncodedText one = Measure(tokenizer, tokenizer.Encode(document));
            long start = before[^1];
            ids.AddRange(one.Ids);
            before.AddRange(one.bytesBefore.Skip(1).Select(bytes => start + bytes));
        }

        return new EncodedText([.. ids], [.. before]);
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
