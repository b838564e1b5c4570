using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>Compares a model's logits with those of a reference file.</summary>
public static class ModelVerification
{
    /// <summary>Runs <c>input_ids</c> (B,T) and compares with <c>logits</c>: (B,T,V), or (B,P,V) at the P <c>positions</c>.</summary>
    /// <param name="model">The model; it computes in its compute type.</param>
    /// <param name="goldenPath">A safetensors file.</param>
    /// <returns>The largest absolute difference.</returns>
    /// <exception cref="HaloException">The file is broken, or was made for another vocabulary.</exception>
    public static VerificationResult Compare(CausalLm model, string goldenPath)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(goldenPath);
        Tensor ids_BT = file.Read("input_ids").to(ScalarType.Int64);
        Tensor expected = file.Read("logits").to(ScalarType.Float32);
        Tensor? positions_P = file.Entries.ContainsKey("positions") ? file.Read("positions").to(ScalarType.Int64) : null;
        Check(model, ids_BT, expected, positions_P, goldenPath);

        Tensor hidden_BTd = model.Hidden(ids_BT.to(model.Device));
        double largest = 0;
        bool finite = true;

        // Row by row and in short pieces: logits of all tokens of a large vocabulary need not fit in memory.
        const long Piece = 128;
        long count = expected.shape[1];
        for (long row = 0; row < ids_BT.shape[0]; row++)
        {
            for (long start = 0; start < count; start += Piece)
            {
                using DisposeScope piece = NewDisposeScope();
                long length = Math.Min(Piece, count - start);
                Tensor hidden_Td = positions_P is null
                    ? hidden_BTd[row].narrow(0, start, length)
                    : hidden_BTd[row].index_select(0, positions_P.narrow(0, start, length).to(model.Device));
                double difference = (model.Logits(hidden_Td).cpu() - expected[row].narrow(0, start, length)).abs().max().item<float>();
                finite &= double.IsFinite(difference);
                largest = Math.Max(largest, difference);
            }
        }

        return new(finite ? largest : double.NaN, expected.shape[0] * count, expected.shape[2]);
    }

    private static void Check(CausalLm model, Tensor ids_BT, Tensor expected, Tensor? positions_P, string path)
    {
        const string Remedy = "give a reference file made from this model";
        long vocabulary = model.Configuration.VocabSize;
        if (ids_BT.dim() != 2 || expected.dim() != 3 || ids_BT.shape[0] != expected.shape[0]
            || ids_BT.numel() == 0 || expected.numel() == 0 || expected.shape[1] != (positions_P?.numel() ?? ids_BT.shape[1]))
        {
            throw new HaloException(
                $"input_ids ({string.Join(", ", ids_BT.shape)}) and logits ({string.Join(", ", expected.shape)}) do not fit together", path, Remedy);
        }

        if (expected.shape[2] != vocabulary || ids_BT.max().item<long>() >= vocabulary || ids_BT.min().item<long>() < 0)
        {
            throw new HaloException($"the reference is for a vocabulary of {expected.shape[2]}, the model has {vocabulary}", path, Remedy);
        }

        if (positions_P is not null && (positions_P.max().item<long>() >= ids_BT.shape[1] || positions_P.min().item<long>() < 0))
        {
            throw new HaloException("positions lie outside of input_ids", path, Remedy);
        }
    }
}
