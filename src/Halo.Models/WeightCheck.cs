using Halo.Core;
using Halo.Tensors;

namespace Halo.Models;

/// <summary>Compares the tensors that a model needs with those that a folder has.</summary>
internal static class WeightCheck
{
    private const int Shown = 20;

    /// <summary>Checks names and shapes; says everything that is wrong in one error.</summary>
    /// <param name="expected">Name and shape of each tensor of the model.</param>
    /// <param name="actual">The folder.</param>
    /// <exception cref="HaloException">Tensors are missing, unused or of another shape.</exception>
    public static void Verify(IReadOnlyDictionary<string, long[]> expected, WeightFolder actual)
    {
        var faults = new List<string>();
        foreach ((string name, long[] shape) in expected)
        {
            if (!actual.Entries.TryGetValue(name, out TensorEntry? entry))
            {
                faults.Add($"missing:   {name} ({string.Join(", ", shape)})");
            }
            else if (!entry.Shape.SequenceEqual(shape))
            {
                faults.Add($"misshapen: {name} is ({string.Join(", ", entry.Shape)}), needs ({string.Join(", ", shape)})");
            }
        }

        // A tied head that is stored all the same is no fault.
        faults.AddRange(actual.Entries.Keys.Where(name => !expected.ContainsKey(name) && name != "lm_head.weight").Order(StringComparer.Ordinal).Select(name => $"unused:    {name}"));
        if (faults.Count > 0)
        {
            string more = faults.Count > Shown ? $"\n    and {faults.Count - Shown} more" : "";
            throw new HaloException(
                $"{faults.Count} tensors do not fit the configuration\n    {string.Join("\n    ", faults.Take(Shown))}{more}",
                actual.Folder,
                "config.json and weights must come from the same model");
        }
    }
}
