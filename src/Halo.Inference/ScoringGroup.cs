namespace Halo.Inference;

/// <summary>Rows that begin with the same ids.</summary>
/// <param name="rows">At least one.</param>
/// <param name="shared">Ids that all begin with and that are read once for all; 0 for a row that stands alone.</param>
internal sealed class ScoringGroup(IReadOnlyList<ScoringRow> rows, int shared)
{
    public IReadOnlyList<ScoringRow> Rows => rows;

    public int Shared => shared;

    public int Longest { get; } = rows.Max(row => row.Inputs.Length);
}
