namespace Halo.Kernels.Cuda;

/// <summary>Launches that were recorded once and are replayed as one: the host's time for each is saved. What they read and write stays at the recorded addresses.</summary>
internal sealed unsafe class CudaGraph : IDisposable
{
    private const int ThreadLocal = 1;
    private const int InvalidCapture = 901; // CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
    private readonly CudaDevice _device;
    private nint _executable;

    private CudaGraph(CudaDevice device, nint executable) => (_device, _executable) = (device, executable);

    /// <summary>Whether this libtorch's stream can be set, which recording needs.</summary>
    public static bool CanRecord => CudaStreams.CanSet;

    /// <summary>Records the launches of an action; nothing runs. Its kernels must have been launched before, so that nothing has to be loaded.</summary>
    /// <param name="index">libtorch's number of the card.</param>
    /// <param name="launches">Launches of kernels, and nothing else, on the current stream of this thread.</param>
    /// <exception cref="Halo.Core.HaloException">The driver refuses.</exception>
    public static CudaGraph Record(int index, Action launches)
    {
        CudaDevice device = CudaDevice.Of(index);
        nint stream = CudaStreams.Create(device), graph = 0, executable = 0;
        try
        {
            using (CudaStreams.Use(stream, device.Index))
            {
                CudaDevice.Check(CudaDriver.BeginCapture(stream, ThreadLocal), "cuStreamBeginCapture");
                try
                {
                    launches();
                }
                finally
                {
                    int code = CudaDriver.EndCapture(stream, &graph);
                    if (code != 0)
                    {
                        graph = 0;
                    }
                }
            }

            CudaDevice.Check(graph == 0 ? InvalidCapture : CudaDriver.InstantiateGraph(&executable, graph, 0), "cuGraphInstantiate");
            return new CudaGraph(device, executable);
        }
        finally
        {
            if (graph != 0)
            {
                _ = CudaDriver.DestroyGraph(graph);
            }

            CudaStreams.Destroy(stream);
        }
    }

    /// <summary>Replays the launches on libtorch's current stream.</summary>
    public void Launch()
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        using CudaScope entered = _device.Enter();
        CudaDevice.Check(CudaDriver.LaunchGraph(_executable, CudaStreams.Current(_device.Index)), "cuGraphLaunch");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_executable != 0)
        {
            _ = CudaDriver.DestroyExecutable(_executable);
            _executable = 0;
        }
    }
}
