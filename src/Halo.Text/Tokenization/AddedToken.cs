namespace Halo.Text.Tokenization;

/// <summary>A token that is cut out of the raw text before anything else.</summary>
internal sealed record AddedToken(int Id, string Content, bool Special);
