using System.Collections.Concurrent;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>The CUDA files of this assembly, by name without folder.</summary>
internal static class KernelSources
{
    /// <summary>Included by all.</summary>
    public const string Header = "halo.cuh";

    // A line "//! option --use_fast_math" gives that file an option of its own.
    private const string OptionMark = "//! option ";
    private const string Prefix = "Halo.Kernels.Cuda.Sources.";
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    /// <summary>Names of all kernels' files, like "norms.cu".</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(KernelSources).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(".cu", StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal)];

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
}
