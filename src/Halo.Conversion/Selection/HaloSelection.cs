namespace Halo.Conversion.Selection;

/// <summary>
/// HALO as published (arXiv 2601.22156): <c>s_i = (max_j R(j) - R(i)) / (max_j C(j) - C(i) + eps)</c>, maxima over the swept layers: layers that
/// recall needs, relative to what they cost in everything else.
/// </summary>
/// <param name="epsilon">eps; the paper prints 1e-6.</param>
public sealed class HaloSelection(double epsilon) : ILayerSelection
{
    /// <inheritdoc/>
    public string Name => "halo";

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, double> Score(LayerScores scores)
    {
        double bestRecall = scores.Layers.Max(layer => SelectionMethods.Need(layer.Value.Recall, layer.Key, "recall (rt)"));
        double bestCommonsense = scores.Layers.Max(layer => SelectionMethods.Need(layer.Value.Commonsense, layer.Key, "commonsense (cs)"));
        return scores.Layers.ToDictionary(layer => layer.Key, layer => (bestRecall - layer.Value.Recall!.Value) / (bestCommonsense - layer.Value.Commonsense!.Value + epsilon));
    }
}
