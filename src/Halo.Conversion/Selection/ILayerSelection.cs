namespace Halo.Conversion.Selection;

/// <summary>A way of telling how much a layer needs softmax attention.</summary>
public interface ILayerSelection
{
    /// <summary>Name in recipes and on the command line.</summary>
    string Name { get; }

    /// <summary>Score of each swept layer; the highest are kept, ties go to the lower layer.</summary>
    /// <exception cref="Halo.Core.HaloException">The scores lack what the method needs.</exception>
    IReadOnlyDictionary<int, double> Score(LayerScores scores);
}
