using System.Collections.Concurrent;
using Halo.Kernels;

namespace Halo.Models;

/// <summary>One array of slopes for each number of heads, so that layers share the tables of decays that hang on it.</summary>
internal static class LightningSlopes
{
    private static readonly ConcurrentDictionary<int, double[]> Known = new();

    public static double[] Of(int heads) => Known.GetOrAdd(heads, Lightning.Slopes);
}
