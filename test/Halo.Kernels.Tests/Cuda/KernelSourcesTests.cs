using System.Reflection;
using System.Text.RegularExpressions;
using Halo.Core;
using Halo.Kernels.Cuda;

namespace Halo.Kernels.Tests.Cuda;

public partial class KernelSourcesTests
{
    /// <summary>All kernels kept in static fields of the assembly, alone or in arrays and dictionaries.</summary>
    internal static IEnumerable<CudaKernel> Kernels() =>
        from type in typeof(CudaKernels).Assembly.GetTypes()
        where !type.ContainsGenericParameters && type != typeof(CudaKernel)
        from field in type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
        where field.FieldType == typeof(CudaKernel) || typeof(IEnumerable<CudaKernel>).IsAssignableFrom(field.FieldType)
        from kernel in field.GetValue(null) switch { CudaKernel one => [one], IEnumerable<CudaKernel> many => many, _ => [] }
        select kernel;

    [Fact]
    public void EveryKernelIsInItsFile()
    {
        foreach (CudaKernel kernel in Kernels())
        {
            Assert.Matches(new Regex($@"\b{kernel.Entry}\b"), KernelSources.Text(kernel.Source));
        }
    }

    [Fact]
    public void FilesNeedNoHeadersOfOthers()
    {
        Assert.Contains("probe.cu", KernelSources.Names);
        foreach (string name in KernelSources.Names.Concat(KernelSources.Headers.Keys))
        {
            string text = KernelSources.Text(name);
            Assert.All(Include().Matches(text), include => Assert.Contains(include.Groups[1].Value, KernelSources.Headers.Keys));
            Assert.True(text.Contains("extern \"C\"", StringComparison.Ordinal) || name.EndsWith(".cuh", StringComparison.Ordinal), name);
        }
    }

    [Fact]
    public void AnUnknownFileIsNamed() =>
        Assert.Contains("'nothing.cu'", Assert.Throws<HaloException>(() => KernelSources.Text("nothing.cu")).Message);

    [Fact]
    public void EachKernelIsMadeOnce() => Assert.Same(CudaKernel.Get("probe.cu", "probe_add", ("A", "1")), CudaKernel.Get("probe.cu", "probe_add", ("A", "1")));

    [GeneratedRegex("#include\\s+[\"<]([^\">]+)[\">]")]
    private static partial Regex Include();
}
