using Halo.Kernels.Cuda;

namespace Halo.Kernels;

/// <summary>Blocks of a kernel that stay on the card and share its work: exactly as many as the card holds at a time, so that none waits for another and partial sums are few.</summary>
/// <param name="kernel">The kernel.</param>
/// <param name="threads">Threads a block.</param>
internal sealed class PersistentGrid(CudaKernel kernel, int threads)
{
    private const int MostDevices = 64;
    private readonly int[] _perMultiprocessor = new int[MostDevices];

    /// <summary>Blocks to launch where one pass over the work would take <paramref name="all"/>.</summary>
    public long Blocks(long all, int device)
    {
        CudaDevice card = CudaDevice.Of(device);
        int held = Volatile.Read(ref _perMultiprocessor[card.Index]);
        if (held == 0)
        {
            held = Math.Max(1, kernel.BlocksPerMultiprocessor(threads, 0));
            Volatile.Write(ref _perMultiprocessor[card.Index], held);
        }

        return Math.Min(all, (long)card.Multiprocessors * held);
    }
}
