namespace Halo.Conversion.Selection;

/// <summary>KL(teacher || M(i)) on held-out text: how far the model moves when the layer is replaced.</summary>
public sealed class KlSelection : ILayerSelection
{
    /// <inheritdoc/>
    public string Name => "kl";

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, double> Score(LayerScores scores) =>
        scores.Layers.ToDictionary(layer => layer.Key, layer => SelectionMethods.Need(layer.Value.Kl, layer.Key, "kl"));
}
