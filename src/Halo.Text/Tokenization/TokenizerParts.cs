namespace Halo.Text.Tokenization;

/// <summary>What a tokenizer.json says.</summary>
/// <param name="Vocabulary">Entries of the model by text.</param>
/// <param name="Encoder">Turns stretches between added tokens into ids.</param>
/// <param name="AddedTokens">Tokens cut out of the raw text.</param>
/// <param name="StripsSpace">Whether decoding takes one space off the beginning.</param>
/// <param name="Bos">Beginning-of-sequence token.</param>
/// <param name="Eos">End-of-sequence token.</param>
internal sealed record TokenizerParts(
    Dictionary<string, int> Vocabulary,
    IStretchEncoder Encoder,
    IReadOnlyList<AddedToken> AddedTokens,
    bool StripsSpace,
    string? Bos,
    string? Eos);
