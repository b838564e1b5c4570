using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>A batch on the device: inputs, labels and documents. Tensors belong to the current dispose scope. B rows, T tokens, N = B T.</summary>
/// <param name="Inputs_BT">Ids that the model reads, int64.</param>
/// <param name="Labels_N">The id after each, int64.</param>
/// <param name="Layout">Documents, where the batch has them and they are to be kept apart; else null.</param>
internal sealed record BatchTensors(Tensor Inputs_BT, Tensor Labels_N, SequenceLayout? Layout)
{
    /// <summary>Every position has a label: a document's first token is predicted too, from the document end before it.</summary>
    public static BatchTensors From(TokenBatch batch, Device device, bool documentMask)
    {
        Tensor ids = Move(batch.Ids, batch, device);
        Tensor inputs_BT = ids.narrow(1, 0, batch.Length).contiguous();
        Tensor labels_N = ids.narrow(1, 1, batch.Length).reshape(-1);
        SequenceLayout? layout = documentMask && batch.Segments is not null
            ? SequenceLayout.Documents(Move(batch.Segments, batch, device).narrow(1, 0, batch.Length).contiguous())
            : null;
        return new BatchTensors(inputs_BT, labels_N, layout);
    }

    private static Tensor Move(int[] values, TokenBatch batch, Device device)
    {
        Tensor host = tensor(values, [batch.Rows, batch.Length + 1], dtype: ScalarType.Int32);
        // From pinned memory the copy runs beside the host; from pageable memory the host would wait for all work queued before it.
        return device.type == DeviceType.CUDA
            ? host.pin_memory().to(device, non_blocking: true).to_type(ScalarType.Int64)
            : host.to_type(ScalarType.Int64);
    }
}
