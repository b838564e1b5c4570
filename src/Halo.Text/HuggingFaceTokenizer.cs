using System.Security.Cryptography;
using System.Text;
using Halo.Text.Tokenization;

namespace Halo.Text;

/// <summary>The tokenizer of a Hugging Face folder: tokenizer.json of the byte-level BPE family, or of Llama's BPE with byte fallback. Safe for many threads.</summary>
public sealed class HuggingFaceTokenizer : ITokenizer
{
    private const string EndOfText = "<|endoftext|>";
    private readonly TokenizerParts _parts;
    private readonly AddedTokenFinder _finder;
    private readonly Dictionary<int, byte[]> _bytes = [];
    private readonly HashSet<int> _special;

    private HuggingFaceTokenizer(TokenizerParts parts, string fingerprint)
    {
        Fingerprint = fingerprint;
        _parts = parts;
        _finder = new AddedTokenFinder(parts.AddedTokens);
        _special = [.. parts.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
        foreach ((string entry, int id) in parts.Vocabulary)
        {
            _bytes[id] = parts.Encoder.BytesOf(entry);
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
            _parts.Encoder.Encode(text[start..position], ids);
            ids.Add(token.Id);
            start = position + token.Content.Length;
        }

        _parts.Encoder.Encode(start == 0 ? text : text[start..], ids);
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

        int skipped = _parts.StripsSpace && bytes.Length > 0 && bytes.GetBuffer()[0] == (byte)' ' ? 1 : 0;
        return Encoding.UTF8.GetString(bytes.GetBuffer(), skipped, (int)bytes.Length - skipped);
    }

    /// <inheritdoc/>
    public int? TokenId(string token) =>
        _parts.AddedTokens.FirstOrDefault(added => added.Content == token)?.Id ?? (_parts.Vocabulary.TryGetValue(token, out int id) ? id : null);

    /// <inheritdoc/>
    public StreamDecoder Stream(bool skipSpecialTokens = false) => new Utf8StreamDecoder(id => BytesOf(id, skipSpecialTokens), _parts.StripsSpace);

    private byte[] BytesOf(int id, bool skipSpecial) =>
        (skipSpecial && _special.Contains(id)) || !_bytes.TryGetValue(id, out byte[]? bytes) ? [] : bytes;
}
