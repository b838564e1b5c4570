namespace Halo.Cli.Chat;

/// <summary>Writes an answer as it comes; what stands between <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c> is dimmed on a terminal. A tag may come in pieces.</summary>
internal sealed class ThoughtPrinter(TextWriter output, bool dims)
{
    private const string Open = "<think>";
    private const string Close = "</think>";
    private const string Dim = "\u001b[2m";
    private const string Plain = "\u001b[22m";
    private string _held = "";

    /// <summary>Whether a thought is open.</summary>
    public bool Thinks { get; private set; }

    /// <summary>Begins within a thought, as templates do that write the opening tag themselves.</summary>
    public void BeginThought()
    {
        Thinks = true;
        output.Write(dims ? Dim : "");
    }

    /// <summary>Writes a piece; the beginning of a tag is held back until it is certain.</summary>
    public void Write(string piece)
    {
        string text = _held + piece;
        _held = "";
        while (text.Length > 0)
        {
            string tag = Thinks ? Close : Open;
            int place = text.IndexOf(tag, StringComparison.Ordinal);
            if (place < 0)
            {
                int kept = Enumerable.Range(1, Math.Min(text.Length, tag.Length - 1)).LastOrDefault(length => text.EndsWith(tag[..length], StringComparison.Ordinal));
                output.Write(text[..^kept]);
                _held = text[^kept..];
                break;
            }

            output.Write(text[..place]);
            output.Write(Thinks ? Close + (dims ? Plain : "") : (dims ? Dim : "") + Open);
            Thinks = !Thinks;
            text = text[(place + tag.Length)..];
        }

        output.Flush();
    }

    /// <summary>Writes what was held back, and ends the dimming.</summary>
    public void End()
    {
        output.Write(_held + (Thinks && dims ? Plain : ""));
        _held = "";
        output.Flush();
    }
}
