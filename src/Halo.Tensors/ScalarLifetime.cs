using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Halo.Tensors;

/// <summary>
/// TorchSharp hands a Scalar's memory to libtorch without keeping the Scalar alive: in <c>x * 2.0</c> nothing refers to it once its address is taken, so a collection at that moment lets the
/// finalizer free it before libtorch has read it, and the operation fails or, worse, computes with another number. Here the shim's function that frees scalars is led to one that
/// frees them later, after as many others as no operation outlasts.
/// </summary>
internal static unsafe partial class ScalarLifetime
{
    private const string Function = "THSTorch_dispose_scalar";
    private const int Kept = 1 << 17; // Of 32 bytes: 6 MB with malloc's own; seconds of work.
    private const int ReadWriteExecute = 7;
    private const int ReadExecute = 5;

    private static readonly nint[] Waiting = new nint[Kept];
    private static long _count;

    /// <summary>Leads the function over; false where the system does not allow it, and all stays as it was.</summary>
    /// <param name="shim">Handle of TorchSharp's native library.</param>
    public static bool Install(nint shim)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || !NativeLibrary.TryGetExport(shim, Function, out nint place))
        {
            return false;
        }

        // mov rax, address; jmp rax
        byte* jump = stackalloc byte[12] { 0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0 };
        *(nint*)(jump + 2) = (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Keep;
        nint page = place & ~(nint)4095;
        nuint length = (nuint)(place + 12 - page);
        if (Protect(page, length, ReadWriteExecute) != 0)
        {
            return false;
        }

        Buffer.MemoryCopy(jump, (void*)place, 12, 12);
        return Protect(page, length, ReadExecute) == 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Keep(nint scalar)
    {
        // Numbers need no destructor, and operator delete is free.
        nint old = Interlocked.Exchange(ref Waiting[Interlocked.Increment(ref _count) & (Kept - 1)], scalar);
        if (old != 0)
        {
            NativeMemory.Free((void*)old);
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int access);
}
