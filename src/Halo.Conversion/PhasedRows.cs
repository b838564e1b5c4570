using Halo.Text;

namespace Halo.Conversion;

/// <summary>Rows whose source changes at given rows: the phases of pretraining.</summary>
/// <param name="phases">First row that no longer belongs to the phase, and its rows; ascending.</param>
internal sealed class PhasedRows(IReadOnlyList<(long Until, IRowSource Rows)> phases) : IRowSource
{
    public int RowLength => phases[0].Rows.RowLength;

    public TokenBatch Read(long firstRow, int count)
    {
        // A batch never crosses a phase: phases end at steps.
        return phases.First(phase => firstRow < phase.Until).Rows.Read(firstRow, count);
    }
}
