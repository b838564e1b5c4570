using System.Collections.Concurrent;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>The CUDA files of this assembly, by name without folder.</summary>
internal static class KernelSources
{
    /// <summary>Included by all.</summary>
    public const string Header = "halo.cuh";

    private static readonly string[] Resources = typeof(KernelSources).Assembly.GetManifestResourceNames();

    // A line "//! option --use_fast_math" gives that file an option of its own.
    private const string OptionMark = "//! option ";
    private const string Prefix = "Halo.Kernels.Cuda.Sources.";
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    /// <summary>Names of all kernels' files, like "norms.cu".</summary>
    public static IReadOnlyList<string> Names { get; } = Ending(".cu");

    /// <summary>The files that may be included, by name, in a fixed order.</summary>
    public static IReadOnlyDictionary<string, string> Headers { get; } = new SortedDictionary<string, string>(Ending(".cuh").ToDictionary(name => name, Text), StringComparer.Ordinal);

    /// <summary>The text of a file.</summary>
    public static string Text(string name) => Texts.GetOrAdd(name, static key =>
    {
        using Stream stream = typeof(KernelSources).Assembly.GetManifestResourceStream(Prefix + key)
            ?? throw new HaloException($"there is no CUDA source '{key}'", typeof(KernelSources).Assembly.GetName().Name, "build Halo again");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    });

    /// <summary>Options that a file asks for.</summary>
    public static IEnumerable<string> Options(string text) =>
        from line in text.Split('\n')
        where line.StartsWith(OptionMark, StringComparison.Ordinal)
        select line[OptionMark.Length..].Trim();

    private static string[] Ending(string ending) =>
        [.. Resources.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(ending, StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal)];
}
