namespace Halo.Text;

/// <summary>Rows of token ids. Each row has <see cref="Length"/> + 1 ids: inputs are the first <see cref="Length"/>, labels the last <see cref="Length"/>.</summary>
/// <param name="Ids">Row after row, <c>Rows * (Length + 1)</c> ids.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Length">Tokens of a row that a model reads.</param>
/// <param name="Segments">Null without document masks; else as long as <paramref name="Ids"/>: the ordinal of the document within its row, starting at 0, not decreasing.</param>
/// <param name="Answers">Null, or as long as <paramref name="Ids"/>: true where the id is the value of a recall question (for recall accuracy; synthetic rows only).</param>
public sealed record TokenBatch(int[] Ids, int Rows, int Length, int[]? Segments = null, bool[]? Answers = null);
