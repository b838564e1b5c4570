namespace Halo.Text.Templates;

/// <summary>An error of a template, or of what it was given; the innermost node that it passes tells its line.</summary>
internal sealed class TemplateFault(string message, int line = 0) : Exception(message)
{
    /// <summary>Line of the template, from 1; 0 before it is known.</summary>
    public int Line { get; private set; } = line;

    /// <summary>For exception filters: notes the line if none is known yet, and lets the error pass.</summary>
    public bool Passes(int line)
    {
        Line = Line == 0 ? line : Line;
        return false;
    }
}
