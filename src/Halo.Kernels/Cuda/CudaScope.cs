namespace Halo.Kernels.Cuda;

/// <summary>libtorch's context as the calling thread's, from <see cref="CudaDevice.Enter"/> until it is disposed, once.</summary>
/// <param name="before">The context to set again; 0 for none: the entered one stays.</param>
internal readonly struct CudaScope(nint before) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        if (before != 0)
        {
            // Nothing is to be done where it fails, and what is thrown in the scope must come out.
            _ = CudaDriver.SetCurrentContext(before);
        }
    }
}
