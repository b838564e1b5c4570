using System.Runtime.InteropServices;

namespace Halo.Kernels.Cpu;

/// <summary>Zeroed memory outside the garbage collector, on a boundary of 64 bytes.</summary>
internal sealed unsafe partial class NativeBlock : IDisposable
{
    private const int HugePage = 2 << 20;
    private void* _address;

    /// <param name="bytes">Size; some bytes behind it may be read, never written.</param>
    public NativeBlock(long bytes)
    {
        Bytes = bytes;
        _address = NativeMemory.AlignedAlloc((nuint)(bytes + 64), (nuint)(bytes >= HugePage ? HugePage : 64));
        if (bytes >= HugePage && OperatingSystem.IsLinux())
        {
            // Only advice: streams of weights miss the translation buffer less.
            _ = Advise(_address, (nuint)bytes, 14);
        }

        NativeMemory.Clear(_address, (nuint)(bytes + 64));
    }

    ~NativeBlock() => Free();

    public long Bytes { get; }

    public byte* Pointer => (byte*)_address;

    public float* Floats => (float*)_address;

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    private void Free()
    {
        NativeMemory.AlignedFree(_address);
        _address = null;
    }
}
