namespace Halo.Text.Tokenization;

/// <summary>The byte-level family (GPT-2, Qwen, SmolLM2): NFC where asked for, split into pieces, BPE over the bytes of each.</summary>
internal sealed class ByteLevelEncoder(BytePairEncoder pairs, IPreTokenizer split, bool composes) : IStretchEncoder
{
    public void Encode(string stretch, List<int> ids)
    {
        string text = composes ? CanonicalComposition.Normalize(stretch) : stretch;
        for (int start = 0; start < text.Length;)
        {
            int length = split.Next(text, start);
            pairs.Encode(text.AsSpan(start, length), ids);
            start += length;
        }
    }

    public byte[] BytesOf(string entry) => ByteAlphabet.Decode(entry);
}
