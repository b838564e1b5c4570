using System.Text;

namespace Halo.Text.Data;

/// <summary>A recall document as pieces that may be tokenized one by one, with marks on the pieces that answer a question.</summary>
/// <remarks>A piece begins where the split of the tokenizer begins a new one anyway: with a space before a word or a digit, or with punctuation after a letter or a digit.</remarks>
internal sealed class RecallText
{
    private readonly StringBuilder _open = new();

    /// <summary>Pieces and whether each is an answer.</summary>
    public List<(string Text, bool Answer)> Pieces { get; } = [];

    /// <summary>Adds plain text.</summary>
    public RecallText Add(string text)
    {
        _open.Append(text);
        return this;
    }

    /// <summary>Adds an answer, with the space before it.</summary>
    public RecallText Answer(string value)
    {
        Close();
        Pieces.Add((" " + value, true));
        return this;
    }

    /// <summary>Ends the open piece.</summary>
    public void Close()
    {
        if (_open.Length > 0)
        {
            Pieces.Add((_open.ToString(), false));
            _open.Clear();
        }
    }
}
