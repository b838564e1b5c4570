using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Ids on their way from the device to the host: what is launched behind them is not waited for.</summary>
internal sealed class IdsOnTheWay : IDisposable
{
    private readonly Tensor _host_B;
    private readonly CudaMark? _arrived;

    /// <param name="ids_B">int64; may be overwritten by what is launched later.</param>
    public IdsOnTheWay(Tensor ids_B)
    {
        if (ids_B.device_type != DeviceType.CUDA)
        {
            _host_B = ids_B.cpu().clone().DetachFromDisposeScope();
            return;
        }

        using (DisposeScope scope = NewDisposeScope())
        {
            _host_B = empty(ids_B.shape, ScalarType.Int64).pin_memory().DetachFromDisposeScope();
            _host_B.copy_(ids_B, true);
        }

        _arrived = new CudaMark(ids_B.device_index);
        _arrived.Set();
    }

    /// <summary>Waits for them.</summary>
    public int[] Wait()
    {
        _arrived?.Wait();
        return [.. _host_B.data<long>().ToArray().Select(id => (int)id)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _arrived?.Dispose();
        _host_B.Dispose();
    }
}
