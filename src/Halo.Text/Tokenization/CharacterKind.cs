namespace Halo.Text.Tokenization;

/// <summary>What the splits tell apart.</summary>
internal enum CharacterKind : byte
{
    Other,
    Letter,
    Number,
    Space,
    LineBreak,
    End,
}
