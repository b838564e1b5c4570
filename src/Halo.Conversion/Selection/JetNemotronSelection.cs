namespace Halo.Conversion.Selection;

/// <summary>Jet-Nemotron's criterion: how far recall falls below the original model's when the layer is replaced.</summary>
public sealed class JetNemotronSelection : ILayerSelection
{
    /// <inheritdoc/>
    public string Name => "jet-nemotron";

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, double> Score(LayerScores scores)
    {
        // Without the original's score its place is taken by 0: a constant, which leaves the order as it is.
        double original = scores.Original?.Recall ?? 0;
        return scores.Layers.ToDictionary(layer => layer.Key, layer => original - SelectionMethods.Need(layer.Value.Recall, layer.Key, "recall (rt)"));
    }
}
