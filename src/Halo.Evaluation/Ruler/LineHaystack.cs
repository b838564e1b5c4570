namespace Halo.Evaluation;

/// <summary>The repeated line of S-NIAH-1.</summary>
internal sealed class LineHaystack : IHaystack
{
    private const string Line = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

    /// <inheritdoc/>
    public int MaximumUnits => int.MaxValue;

    /// <summary>The needle becomes line <paramref name="place"/>; lines are joined by line breaks.</summary>
    public string Insert(int units, int place, string needle)
    {
        var lines = new string[units + 1];
        Array.Fill(lines, Line);
        lines[place] = needle;
        return string.Join('\n', lines);
    }

    /// <summary>A line index from 0 to <paramref name="units"/> - 1, so that no needle follows the last line.</summary>
    public int Place(int units, double depth) => Math.Min((int)(units * depth), units - 1);
}
