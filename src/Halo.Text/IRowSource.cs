namespace Halo.Text;

/// <summary>An endless, deterministic supply of rows: row r is a function of (seed, r) alone, so that the place in the data follows from the step.</summary>
public interface IRowSource
{
    /// <summary>Tokens of a row that a model reads (rows carry one id more).</summary>
    int RowLength { get; }

    /// <summary>Rows <paramref name="firstRow"/> to <paramref name="firstRow"/> + <paramref name="count"/> - 1.</summary>
    TokenBatch Read(long firstRow, int count);
}
