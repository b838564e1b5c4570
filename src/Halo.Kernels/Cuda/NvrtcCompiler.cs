using System.Runtime.InteropServices;
using System.Text;
using Halo.Core;
using Halo.Tensors;

namespace Halo.Kernels.Cuda;

/// <summary>NVRTC, the compiler that comes with CUDA's toolkit and with PyTorch.</summary>
internal sealed unsafe class NvrtcCompiler : IKernelCompiler
{
    private readonly nint _library;

    private NvrtcCompiler(nint library)
    {
        _library = library;
        int major = 0, minor = 0, count = 0;
        Check(((delegate* unmanaged<int*, int*, int>)Function("nvrtcVersion"))(&major, &minor), "nvrtcVersion");
        Version = $"NVRTC {major}.{minor}";
        Check(((delegate* unmanaged<int*, int>)Function("nvrtcGetNumSupportedArchs"))(&count), "nvrtcGetNumSupportedArchs");
        int[] capabilities = new int[count];
        fixed (int* first = capabilities)
        {
            Check(((delegate* unmanaged<int*, int>)Function("nvrtcGetSupportedArchs"))(first), "nvrtcGetSupportedArchs");
        }

        Capabilities = capabilities;
    }

    /// <inheritdoc/>
    public string Version { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Capabilities { get; }

    /// <summary>The NVRTC of this machine; null and the reason where there is none that works.</summary>
    public static (NvrtcCompiler? Compiler, string? WhyNot) Find()
    {
        if (SystemProbe.Nvrtc() is not { } found)
        {
            return (null, "NVRTC (libnvrtc.so) was not found beside libtorch, in LD_LIBRARY_PATH or in a CUDA toolkit");
        }

        // NVRTC opens its built-in declarations by name; loaded beforehand they are found whatever the library path says.
        foreach (string builtins in Directory.EnumerateFiles(Path.GetDirectoryName(found.Path)!, "libnvrtc-builtins.so*"))
        {
            _ = NativeLibrary.TryLoad(builtins, out _);
        }

        try
        {
            return NativeLibrary.TryLoad(found.Path, out nint library) ? (new NvrtcCompiler(library), null) : (null, $"{found.Path} cannot be loaded");
        }
        catch (Exception error) when (error is EntryPointNotFoundException or HaloException)
        {
            return (null, $"{found.Path} is too old or damaged ({error.Message})");
        }
    }

    /// <inheritdoc/>
    public (byte[]? Image, string Log) Compile(string name, string source, IReadOnlyDictionary<string, string> headers, IReadOnlyList<string> options)
    {
        var texts = new List<nint>();
        nint program = 0;
        try
        {
            nint Text(string text)
            {
                texts.Add(Marshal.StringToCoTaskMemUTF8(text));
                return texts[^1];
            }

            nint[] bodies = [.. headers.Values.Select(Text)], names = [.. headers.Keys.Select(Text)], arguments = [.. options.Select(Text)];
            fixed (nint* body = bodies, include = names, argument = arguments)
            {
                var create = (delegate* unmanaged<nint*, nint, nint, int, nint*, nint*, int>)Function("nvrtcCreateProgram");
                Check(create(&program, Text(source), Text(name), bodies.Length, body, include), "nvrtcCreateProgram");
                int code = ((delegate* unmanaged<nint, int, nint*, int>)Function("nvrtcCompileProgram"))(program, arguments.Length, argument);
                string log = Encoding.UTF8.GetString(Read(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")).TrimEnd('\0');
                if (code != 0)
                {
                    return (null, log.Length > 0 ? log : Describe(code));
                }

                bool binary = options.Any(option => option.Contains("=sm_", StringComparison.Ordinal));
                return (binary ? Read(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN") : Read(program, "nvrtcGetPTXSize", "nvrtcGetPTX"), log);
            }
        }
        finally
        {
            if (program != 0)
            {
                _ = ((delegate* unmanaged<nint*, int>)Function("nvrtcDestroyProgram"))(&program);
            }

            texts.ForEach(Marshal.FreeCoTaskMem);
        }
    }

    private byte[] Read(nint program, string sizeName, string dataName)
    {
        nuint size = 0;
        Check(((delegate* unmanaged<nint, nuint*, int>)Function(sizeName))(program, &size), sizeName);
        byte[] data = new byte[size];
        fixed (byte* first = data)
        {
            Check(((delegate* unmanaged<nint, byte*, int>)Function(dataName))(program, first), dataName);
        }

        return data;
    }

    private nint Function(string name) => NativeLibrary.GetExport(_library, name);

    private string Describe(int code) => Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)Function("nvrtcGetErrorString"))(code)) ?? $"error {code}";

    private void Check(int code, string function)
    {
        if (code != 0)
        {
            throw new HaloException($"{function} failed: {Describe(code)}", null, "set HALO_KERNELS=plain to go without kernels");
        }
    }
}
