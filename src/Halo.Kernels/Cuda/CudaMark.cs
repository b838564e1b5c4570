namespace Halo.Kernels.Cuda;

/// <summary>A mark in the work of a card (an event of CUDA): the host can wait for what was launched before it, and not for what was launched later.</summary>
internal sealed unsafe class CudaMark : IDisposable
{
    private const uint WithoutTime = 2;
    private readonly CudaDevice _device;
    private nint _event;

    /// <summary>Makes a mark; it is set by <see cref="Set"/>.</summary>
    /// <param name="index">libtorch's number of the card.</param>
    /// <exception cref="Halo.Core.HaloException">The driver refuses.</exception>
    public CudaMark(int index)
    {
        _device = CudaDevice.Of(index);
        InContext(Create);
    }

    /// <summary>Sets it behind what was launched so far on libtorch's current stream.</summary>
    public void Set() => InContext(() => CudaDevice.Check(CudaDriver.RecordEvent(_event, CudaStreams.Current(_device.Index)), "cuEventRecord"));

    /// <summary>Waits until everything in front of it is done.</summary>
    /// <exception cref="Halo.Core.HaloException">Something in front of it failed.</exception>
    public void Wait() => InContext(() => CudaDevice.Check(CudaDriver.WaitForEvent(_event), "cuEventSynchronize"));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_event != 0)
        {
            _ = CudaDriver.DestroyEvent(_event);
            _event = 0;
        }
    }

    private void Create()
    {
        nint made = 0;
        CudaDevice.Check(CudaDriver.CreateEvent(&made, WithoutTime), "cuEventCreate");
        _event = made;
    }

    private void InContext(Action action)
    {
        using CudaScope entered = _device.Enter();
        action();
    }
}
