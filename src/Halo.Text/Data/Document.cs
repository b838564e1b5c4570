namespace Halo.Text.Data;

/// <summary>A document of a corpus, or a piece of a long one.</summary>
/// <param name="Where">File and place, for errors.</param>
/// <param name="Text">Its text.</param>
/// <param name="Continues">Whether the next one read is the continuation of the same document. Its pieces, tokenized one by one, give the tokens of the whole.</param>
public sealed record Document(string Where, string Text, bool Continues = false);
