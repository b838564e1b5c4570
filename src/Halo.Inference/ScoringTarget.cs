namespace Halo.Inference;

/// <summary>Ids to be scored in a row; several requests may ask for the same.</summary>
/// <param name="ids">The continuation.</param>
/// <param name="first">Input position whose logits predict the first of them.</param>
internal sealed class ScoringTarget(int[] ids, int first)
{
    public int[] Ids => ids;

    public int First => first;

    public List<int> Requests { get; } = [];

    public float[] LogLikelihoods { get; } = new float[ids.Length];

    public bool[] Matches { get; } = new bool[ids.Length];
}
