namespace Halo.Evaluation;

/// <summary>One needle prompt, ready for a model.</summary>
/// <param name="Index">Which sample of its task and length.</param>
/// <param name="Draw">The random choices.</param>
/// <param name="Units">Lines or words of haystack.</param>
/// <param name="Prompt">Input and answer prefix: all the text that the model reads.</param>
/// <param name="Ids">The prompt's ids; their number is the true token count.</param>
/// <param name="NeedleDepth">Fraction of the prompt's ids that stand before the needle's value, 0 to 1 (what a heat map shows).</param>
internal sealed record NeedleSample(int Index, NeedleDraw Draw, int Units, string Prompt, int[] Ids, double NeedleDepth);
