namespace Halo.Text.Tokenization;

/// <summary>Cuts a text into the pieces within which merges happen.</summary>
internal interface IPreTokenizer
{
    /// <summary>Length in UTF-16 units of the piece that begins at <paramref name="start"/>.</summary>
    int Next(ReadOnlySpan<char> text, int start);
}
