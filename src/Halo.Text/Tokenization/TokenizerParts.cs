namespace Halo.Text.Tokenization;

/// <summary>What a tokenizer.json says.</summary>
/// <param name="Vocabulary">Entries of the model by text.</param>
/// <param name="Merges">Rank and result of each pair of ids.</param>
/// <param name="IdOfByte">Id of each byte, -1 where the vocabulary lacks it.</param>
/// <param name="AddedTokens">Tokens cut out of the raw text.</param>
/// <param name="ComposesCanonically">Whether the normalizer is NFC.</param>
/// <param name="PreTokenizer">The split.</param>
/// <param name="Bos">Beginning-of-sequence token.</param>
/// <param name="Eos">End-of-sequence token.</param>
internal sealed record TokenizerParts(
    Dictionary<string, int> Vocabulary,
    Dictionary<ulong, (int Rank, int Id)> Merges,
    int[] IdOfByte,
    IReadOnlyList<AddedToken> AddedTokens,
    bool ComposesCanonically,
    IPreTokenizer PreTokenizer,
    string? Bos,
    string? Eos);
