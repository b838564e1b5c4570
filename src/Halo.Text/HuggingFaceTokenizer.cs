using System.Security.Cryptography;
using System.Text;
using Halo.Text.Tokenization;

namespace Halo.Text;

/// <summary>The tokenizer of a Hugging Face folder: tokenizer.json of the byte-level BPE family. Safe for many threads.</summary>
public sealed class HuggingFaceTokenizer : ITokenizer
{
    private const string EndOfText = "<|endoftext|>";
    private readonly TokenizerParts _parts;
    private readonly AddedTokenFinder _finder;
    private readonly BytePairEncoder _encoder;
    private readonly Dictionary<int, byte[]> _bytes = [];
    private readonly HashSet<int> _special;

    private HuggingFaceTokenizer(TokenizerParts parts, string fingerprint)
    {
        Fingerprint = fingerprint;
        _parts = parts;
        _finder = new AddedTokenFinder(parts.AddedTokens);
        _encoder = new BytePairEncoder(parts.IdOfByte, parts.Merges);
        _special = [.. parts.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
        foreach ((string entry, int id) in parts.Vocabulary)
        {
            _bytes[id] = ByteAlphabet.Decode(entry);
        }

        foreach (AddedToken token in parts.AddedTokens)
        {
            _bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        }

        VocabularySize = _bytes.Keys.Max() + 1;
        BosId = parts.Bos is null ? null : TokenId(parts.Bos);
        EosId = parts.Eos is null ? null : TokenId(parts.Eos);
        DocumentEndId = TokenId(EndOfText) ?? EosId;
    }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <inheritdoc/>
    public int? BosId { get; }

    /// <inheritdoc/>
    public int? EosId { get; }

    /// <inheritdoc/>
    public int? DocumentEndId { get; }

    /// <summary>A hash of tokenizer.json.</summary>
    public string Fingerprint { get; }

    /// <summary>Loads tokenizer.json and, where it is there, tokenizer_config.json.</summary>
    /// <exception cref="Halo.Core.HaloException">A file is missing or broken, or uses parts that Halo does not have.</exception>
    public static HuggingFaceTokenizer Load(string folder)
    {
        TokenizerParts parts = TokenizerReader.Read(folder);
        return new(parts, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")))));
    }

    /// <inheritdoc/>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>((text.Length / 3) + 8);
        int start = 0;
        while (_finder.Next(text, start) is var (position, token))
        {
            EncodeStretch(text[start..position], ids);
            ids.Add(token.Id);
            start = position + token.Content.Length;
        }

        EncodeStretch(start == 0 ? text : text[start..], ids);
        return [.. ids];
    }

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false)
    {
        using var bytes = new MemoryStream();
        foreach (int id in ids)
        {
            bytes.Write(BytesOf(id, skipSpecialTokens));
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <inheritdoc/>
    public int? TokenId(string token) =>
        _parts.AddedTokens.FirstOrDefault(added => added.Content == token)?.Id ?? (_parts.Vocabulary.TryGetValue(token, out int id) ? id : null);

    /// <inheritdoc/>
    public StreamDecoder Stream(bool skipSpecialTokens = false) => new Utf8StreamDecoder(id => BytesOf(id, skipSpecialTokens));

    private byte[] BytesOf(int id, bool skipSpecial) =>
        (skipSpecial && _special.Contains(id)) || !_bytes.TryGetValue(id, out byte[]? bytes) ? [] : bytes;

    private void EncodeStretch(string stretch, List<int> ids)
    {
        string text = _parts.ComposesCanonically ? CanonicalComposition.Normalize(stretch) : stretch;
        for (int start = 0; start < text.Length;)
        {
            int length = _parts.PreTokenizer.Next(text, start);
            _encoder.Encode(text.AsSpan(start, length), ids);
            start += length;
        }
    }
}
