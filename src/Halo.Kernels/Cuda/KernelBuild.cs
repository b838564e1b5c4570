using System.Security.Cryptography;
using System.Text;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>Turns a source and its definitions into what a card loads: from the cache, or compiled and then kept there.</summary>
/// <param name="compiler">The compiler.</param>
/// <param name="cache">Where compiled kernels are kept.</param>
/// <param name="driver">CUDA version of the driver, like 13.0.</param>
internal sealed class KernelBuild(IKernelCompiler compiler, KernelCache cache, string driver)
{
    // From Hopper on the instructions of one architecture alone (sm_90a: wgmma, setmaxnreg) are had by this suffix.
    private const int FirstSpecific = 90;

    /// <summary>What the compiler is told to make code for, for a card of this compute capability (90 for 9.0).</summary>
    public string Architecture(int capability)
    {
        if (compiler.Capabilities.Contains(capability))
        {
            return $"sm_{capability}{(capability >= FirstSpecific ? "a" : "")}";
        }

        // A card newer than the compiler: portable code that the driver translates.
        int[] older = [.. compiler.Capabilities.Where(known => known < capability)];
        return older.Length > 0
            ? $"compute_{older.Max()}"
            : throw new HaloException(
                $"{compiler.Version} makes no code for compute capability {capability / 10}.{capability % 10}", null, "set HALO_KERNELS=plain, or use an older CUDA toolkit");
    }

    /// <summary>The options for a source.</summary>
    public IReadOnlyList<string> Options(string text, IReadOnlyList<(string Name, string Value)> defines, int capability) =>
        [$"--gpu-architecture={Architecture(capability)}", "--std=c++17", "--device-as-default-execution-space", .. KernelSources.Options(text), .. defines.Select(define => $"-D{define.Name}={define.Value}")];

    /// <summary>The cache's key: the file's name and a hash of everything that matters.</summary>
    public string Key(string source, string text, IReadOnlyList<string> options)
    {
        // Lengths before the parts, so that no two lists of parts give the same bytes.
        var all = new StringBuilder();
        foreach (string part in (string[])[text, .. KernelSources.Headers.Values, compiler.Version, driver, .. options])
        {
            all.Append(part.Length).Append(':').Append(part);
        }

        return $"{Path.GetFileNameWithoutExtension(source)}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())))}";
    }

    /// <summary>The image of a source.</summary>
    /// <param name="source">File name.</param>
    /// <param name="defines">Definitions.</param>
    /// <param name="capability">Compute capability, 90 for 9.0.</param>
    /// <param name="again">Compile even if there is a kept one (because it could not be loaded).</param>
    /// <exception cref="HaloException">The compiler found errors; its log is told.</exception>
    public byte[] Image(string source, IReadOnlyList<(string Name, string Value)> defines, int capability, bool again = false) =>
        Image(source, KernelSources.Text(source), defines, capability, again);

    /// <summary>The same for a text of one's own.</summary>
    public byte[] Image(string source, string text, IReadOnlyList<(string Name, string Value)> defines, int capability, bool again = false)
    {
        IReadOnlyList<string> options = Options(text, defines, capability);
        string key = Key(source, text, options);
        if (!again && cache.Read(key) is { } kept)
        {
            return kept;
        }

        (byte[]? image, string log) = compiler.Compile(source, text, KernelSources.Headers, options);
        if (image is null)
        {
            throw new HaloException(
                $"the CUDA kernels of {source} do not compile for {Architecture(capability)}:\n{log.Trim()}",
                $"{compiler.Version} {string.Join(' ', options)}",
                "set HALO_KERNELS=plain to go without, and report the log");
        }

        cache.Write(key, image);
        return image;
    }
}
