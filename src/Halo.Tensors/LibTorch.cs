using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>Finds and loads libtorch once, and turns the device and type names of the command line into TorchSharp's.</summary>
public static class LibTorch
{
    private static readonly Lock Gate = new();
    private static bool _initialized;

    /// <summary>The folder libtorch was loaded from; null before <see cref="Initialize"/>.</summary>
    public static string? Folder { get; private set; }

    /// <summary>Loads libtorch and TorchSharp's shim; does nothing the second time. Must come before the first tensor.</summary>
    /// <exception cref="HaloException">No libtorch was found or it could not be loaded.</exception>
    public static void Initialize()
    {
        lock (Gate)
        {
            if (_initialized)
            {
                return;
            }

            Folder = NativeLibraries.Load();
            try
            {
                InitializeDeviceType(DeviceType.CPU);
            }
            catch (Exception error) when (error is NotSupportedException or DllNotFoundException or TypeInitializationException)
            {
                throw new HaloException($"libtorch could not be started ({error.Message.TrimEnd('.')})", Folder, "set HALO_LIBTORCH to the folder of a libtorch 2.10 or 2.11", error);
            }

            _initialized = true;
        }
    }

    /// <summary>The device of a name: <c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</summary>
    /// <exception cref="HaloException">The name is unknown or there is no such device.</exception>
    public static torch.Device Device(string name)
    {
        Initialize();
        if (name == "cpu")
        {
            return torch.CPU;
        }

        int index = 0;
        if (name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out index) && index >= 0))
        {
            throw new HaloException($"unknown device '{name}'", "--device", "give cpu, cuda or cuda:n");
        }

        if (!NativeLibraries.HasCuda(Folder!) || !cuda.is_available())
        {
            string remedy = NativeLibraries.HasCuda(Folder!)
                ? "check the driver (nvidia-smi), or give --device cpu"
                : "point HALO_LIBTORCH at the torch/lib folder of a PyTorch with CUDA, or give --device cpu";
            throw new HaloException("no CUDA device is available", $"--device {name}; libtorch of {Folder}", remedy);
        }

        int count = cuda.device_count();
        if (index >= count)
        {
            throw new HaloException($"there is no CUDA device {index}", $"--device {name}", $"give a number below {count}");
        }

        InitializeDeviceType(DeviceType.CUDA);
        return new torch.Device(DeviceType.CUDA, index);
    }

    /// <summary>The tensor type of a name: float32, bfloat16, float16, float64 and their short forms f32, bf16, f16, f64.</summary>
    /// <param name="name">The name.</param>
    /// <param name="where">Where it was given, for the message: an option, or a key of a file.</param>
    /// <exception cref="HaloException">The name is unknown.</exception>
    public static ScalarType ParseType(string name, string? where = null) => name switch
    {
        "float32" or "f32" => ScalarType.Float32,
        "bfloat16" or "bf16" => ScalarType.BFloat16,
        "float16" or "f16" => ScalarType.Float16,
        "float64" or "f64" => ScalarType.Float64,
        _ => throw new HaloException($"unknown number type '{name}'", where, "give float32, bfloat16 or float16"),
    };
}
