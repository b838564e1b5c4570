using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Halo.Core;
using TorchSharp;

namespace Halo.Tensors;

/// <summary>Searches libtorch, loads it in order, then loads a mended copy of TorchSharp's shim against it.</summary>
internal static partial class NativeLibraries
{
    private const string Core = "libtorch_cpu.so";
    private const string Shim = "libLibTorchSharp.so";
    private const string NewestNeed = "GLIBCXX_3.4.32";

    // Dependencies first; those that a build does not have are passed over.
    private static readonly string[] LoadOrder = ["libgomp*.so*", "libc10.so", Core, "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];

    private static string? _shim;
    private static bool _shimMended;

    private static string ShimSource => Path.Combine(AppContext.BaseDirectory, "native", Shim);

    public static bool HasCuda(string folder) => File.Exists(Path.Combine(folder, "libtorch_cuda.so"));

    /// <summary>Loads everything; returns libtorch's folder.</summary>
    public static string Load()
    {
        if (!OperatingSystem.IsLinux())
        {
            return AppContext.BaseDirectory; // Elsewhere TorchSharp's own loading works from its packages.
        }

        string folder = Candidates().FirstOrDefault(candidate => File.Exists(Path.Combine(candidate, Core)))
            ?? throw new HaloException("libtorch was not found", string.Join(", ", Candidates()), "run dotnet restore, or set HALO_LIBTORCH to the folder that holds libtorch_cpu.so");
        foreach (string pattern in LoadOrder)
        {
            foreach (string file in Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal))
            {
                LoadGlobally(file);
            }
        }

        string shim = MendedShim();
        (_shim, _shimMended) = (shim, !File.ReadAllBytes(shim).AsSpan().SequenceEqual(File.ReadAllBytes(ShimSource)));
        nint handle = LoadGlobally(shim);
        ScalarLifetime.Install(handle);
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? handle : 0);
        System.Runtime.Loader.AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => name.Contains("LibTorchSharp", StringComparison.Ordinal) ? handle : 0;
        return folder;
    }

    /// <summary>What was or would be loaded.</summary>
    public static LibTorchDescription Describe()
    {
        string[] searched = [.. Candidates().Distinct()];
        string? folder = searched.FirstOrDefault(candidate => File.Exists(Path.Combine(candidate, Core)));
        return new(searched, folder, folder is null ? null : Version(folder), folder is not null && HasCuda(folder), _shim, _shimMended);
    }

    /// <summary>PyTorch says it in version.py, the archives of libtorch in build-version, NuGet in the folder's name.</summary>
    private static string? Version(string folder)
    {
        string above = Path.GetFullPath(Path.Combine(folder, ".."));
        string python = Path.Combine(above, "version.py"), archive = Path.Combine(above, "build-version");
        if (File.Exists(python))
        {
            return File.ReadLines(python).Select(line => VersionLine().Match(line)).FirstOrDefault(match => match.Success)?.Groups[1].Value;
        }

        return File.Exists(archive) ? File.ReadAllText(archive).Trim()
            : PackageFolder().Match(folder) is { Success: true } package ? package.Groups[1].Value : null;
    }

    [GeneratedRegex("""^__version__\s*=\s*['"]([^'"]+)""")]
    private static partial Regex VersionLine();

    [GeneratedRegex("/libtorch-[^/]+/([0-9][^/]*)/")]
    private static partial Regex PackageFolder();

    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("HALO_LIBTORCH") is { Length: > 0 } chosen)
        {
            yield return chosen;
            yield break;
        }

        foreach (string folder in (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            yield return folder;
        }

        yield return AppContext.BaseDirectory;
        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native");
        string? built = typeof(NativeLibraries).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "LibTorchFolder")?.Value;
        if (built is not null)
        {
            yield return built;
        }

        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        yield return Path.Combine(packages, "libtorch-cpu-linux-x64", "2.10.0", "runtimes", "linux-x64", "native");
    }

    private static string MendedShim()
    {
        string source = ShimSource;
        if (!File.Exists(source))
        {
            throw new HaloException("TorchSharp's native library is missing", source, "build or publish Halo again");
        }

        byte[] bytes = File.ReadAllBytes(source);
        string name = Convert.ToHexStringLower(SHA256.HashData(bytes))[..16];
        foreach (string folder in CacheFolders())
        {
            string copy = Path.Combine(folder, name, Shim);
            if (File.Exists(copy))
            {
                return copy;
            }

            ElfVersionNeed.MakeWeak(bytes, NewestNeed);
            try
            {
                AtomicFile.Write(copy, stream => stream.Write(bytes));
                return copy;
            }
            catch (HaloException)
            {
                // The next folder may be writable.
            }
        }

        throw new HaloException("no folder for the mended copy of TorchSharp's native library is writable", string.Join(", ", CacheFolders()), "set XDG_CACHE_HOME to a writable folder");
    }

    private static IEnumerable<string> CacheFolders()
    {
        string home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        yield return Path.Combine(home, "halo", "native");
        yield return Path.Combine(Path.GetTempPath(), $"halo-{Environment.UserName}", "native");
    }

    private static nint LoadGlobally(string path)
    {
        const int Now = 2;
        const int Global = 0x100;
        nint handle = Open(path, Now | Global);
        return handle != 0
            ? handle
            : throw new HaloException($"a native library could not be loaded ({Marshal.PtrToStringUTF8(LastError())})", path, "this libtorch does not fit this system; set HALO_LIBTORCH to one that does");
    }

    [LibraryImport("libc.so.6", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "dlerror")]
    private static partial nint LastError();
}
