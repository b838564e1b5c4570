using Halo.Kernels.Cuda;

namespace Halo.Kernels.Tests.Cuda;

internal sealed class FakeCompiler : IKernelCompiler
{
    public int Calls { get; private set; }

    public string? Error { get; init; }

    public string Version { get; init; } = "fake 1.0";

    public IReadOnlyList<int> Capabilities { get; init; } = [80, 86, 90];

    public (byte[]? Image, string Log) Compile(string name, string source, IReadOnlyDictionary<string, string> headers, IReadOnlyList<string> options)
    {
        Calls++;
        Assert.True(headers.ContainsKey(KernelSources.Header));
        return Error is null ? ([(byte)source.Length, 1, 2, 3, (byte)Calls], "") : (null, Error);
    }
}
