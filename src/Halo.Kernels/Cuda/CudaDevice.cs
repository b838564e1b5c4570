using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>A card, by the number that libtorch gives it, and the context on it that libtorch uses.</summary>
internal sealed unsafe class CudaDevice
{
    private static readonly CudaDevice?[] Known = new CudaDevice?[64];
    private static readonly Lock Gate = new();

    private CudaDevice(int index)
    {
        int device = 0;
        Check(CudaDriver.Initialize(0), "cuInit");
        Check(CudaDriver.Device(&device, index), "cuDeviceGet");
        byte* name = stackalloc byte[256];
        Check(CudaDriver.DeviceName(name, 256, device), "cuDeviceGetName");
        Index = index;
        Name = Marshal.PtrToStringUTF8((nint)name)!;
        Capability = (Attribute(device, 75) * 10) + Attribute(device, 76);
        Multiprocessors = Attribute(device, 16);
        MostSharedBytes = Attribute(device, 97);
        nint context = 0;
        Check(CudaDriver.RetainPrimaryContext(&context, device), "cuDevicePrimaryCtxRetain");
        Context = context;
    }

    /// <summary>libtorch's number of it.</summary>
    public int Index { get; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Compute capability, 90 for 9.0.</summary>
    public int Capability { get; }

    /// <summary>Number of streaming multiprocessors.</summary>
    public int Multiprocessors { get; }

    /// <summary>The most shared memory a block can have.</summary>
    public int MostSharedBytes { get; }

    /// <summary>libtorch's context.</summary>
    public nint Context { get; }

    /// <summary>The card that the calling thread uses; libtorch's cuda:0 where it used none yet.</summary>
    public static CudaDevice Current
    {
        get
        {
            nint context = 0;
            int device = 0;
            if (CudaDriver.CurrentContext(&context) != 0 || context == 0 || CudaDriver.ContextDevice(&device) != 0)
            {
                device = 0;
            }

            return Of(device);
        }
    }

    /// <summary>The card of a number.</summary>
    public static CudaDevice Of(int index)
    {
        if (index < 0)
        {
            return Current;
        }

        if (Volatile.Read(ref Known[index]) is { } known)
        {
            return known;
        }

        lock (Gate)
        {
            return Known[index] ??= new CudaDevice(index);
        }
    }

    /// <summary>Makes libtorch's context the calling thread's (backward passes run on threads of libtorch's own).</summary>
    /// <returns>To be disposed behind the launch: sets the context of before again.</returns>
    public CudaScope Enter()
    {
        nint before = 0;
        Check(CudaDriver.CurrentContext(&before), "cuCtxGetCurrent");
        if (before == Context)
        {
            return default;
        }

        Check(CudaDriver.SetCurrentContext(Context), "cuCtxSetCurrent");
        return new CudaScope(before);
    }

    /// <summary>Throws where a call of the driver failed.</summary>
    public static void Check(int code, string function)
    {
        if (code != 0)
        {
            throw new HaloException(
                $"{function} failed ({CudaDriver.Describe(code)})", null, "if a kernel ran before, set HALO_KERNELS=check to learn which one failed; HALO_KERNELS=plain goes without kernels");
        }
    }

    public override string ToString() => $"cuda:{Index} {Name} ({Capability / 10}.{Capability % 10})";

    private static int Attribute(int device, int attribute)
    {
        int value = 0;
        Check(CudaDriver.DeviceAttribute(&value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }
}
