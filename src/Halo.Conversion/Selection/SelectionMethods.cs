using Halo.Conversion.Recipes;
using Halo.Core;

namespace Halo.Conversion.Selection;

/// <summary>The methods by name, and the choice itself.</summary>
public static class SelectionMethods
{
    private const string Even = "even";
    private const string List = "list";

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["halo", "jet-nemotron", "kl", Even, List];

    /// <summary>Whether the choice needs a sweep over the layers.</summary>
    public static bool NeedsScores(SelectionSpecification selection) => selection.Method is not (Even or List);

    /// <summary>Checks a recipe's selection section.</summary>
    /// <exception cref="HaloException">The method is unknown or lacks its list.</exception>
    public static void Check(SelectionSpecification selection)
    {
        if (!Names.Contains(selection.Method))
        {
            throw new HaloException($"there is no selection method '{selection.Method}'", "selection.method", $"choose from {string.Join(", ", Names)}");
        }

        if (selection.Method == List && selection.Layers is not { Count: > 0 })
        {
            throw new HaloException("method 'list' needs layers", "selection.layers", "give the layers that stay attention, for example [2,5,8]");
        }
    }

    /// <summary>Chooses the layers that stay attention.</summary>
    /// <param name="selection">Method, number and constraints.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="scores">The sweep; null for methods that need none.</param>
    /// <exception cref="HaloException">More layers are asked for than there are, a listed layer does not exist, or scores are missing.</exception>
    public static SelectionResult Choose(SelectionSpecification selection, int layers, LayerScores? scores)
    {
        Check(selection);
        int top = selection.Kept(layers);
        if (top > layers)
        {
            throw new HaloException($"{top} attention layers are asked for, the model has {layers} layers", "selection.top", "ask for fewer");
        }

        switch (selection.Method)
        {
            case List:
                int[] given = [.. selection.Layers!.Distinct().Order()];
                return given[0] >= 0 && given[^1] < layers
                    ? new SelectionResult(List, given, new Dictionary<int, double>())
                    : throw new HaloException($"the list names a layer outside 0 to {layers - 1}", "selection.layers", "mend the list");
            case Even:
                return new SelectionResult(Even, Keep(selection, layers, top, Enumerable.Range(0, top).Select(k => (int)((k + 0.5) * layers / top))), new Dictionary<int, double>());
            default:
                ILayerSelection method = Create(selection);
                IReadOnlyDictionary<int, double> values = method.Score(scores ?? throw new HaloException($"method '{method.Name}' needs scores", "selection.method", "run stage 1 and the sweep first"));
                return new SelectionResult(method.Name, Keep(selection, layers, top, values.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key).Select(entry => entry.Key)), values);
        }
    }

    /// <summary>A score that a method cannot do without.</summary>
    internal static double Need(double? value, int layer, string name) =>
        value ?? throw new HaloException($"layer {layer} has no {name} score", "per-layer scores", "choose a method that does without, or measure it");

    private static ILayerSelection Create(SelectionSpecification selection) => selection.Method switch
    {
        "halo" => new HaloSelection(selection.Epsilon),
        "jet-nemotron" => new JetNemotronSelection(),
        _ => new KlSelection(),
    };

    private static int[] Keep(SelectionSpecification selection, int layers, int top, IEnumerable<int> ranked)
    {
        IEnumerable<int> forced = selection.KeepFirstAndLast ? [0, layers - 1] : [];
        return [.. forced.Concat(ranked).Distinct().Take(top).Order()];
    }
}
