using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// Powers of the decay, made once for each shape and kept: they are constants, and making them costs more than using them.
/// Only differences of positions are exponentiated (e^{m C} overflows). Computed in float64.
/// </summary>
internal sealed class LightningDecay
{
    private const int MostKept = 256;

    // Kept as long as the array of slopes lives; dropped tensors are freed by their finalizers, for another thread may still use them.
    private static readonly ConditionalWeakTable<double[], Dictionary<object, LightningDecay>> Kept = [];

    private LightningDecay(params Tensor[] tensors)
    {
        Tensors = tensors;
    }

    private Tensor[] Tensors { get; }

    /// <summary>e^{-m}, (H,1,1).</summary>
    public static Tensor Step(double[] slopes, Device device, ScalarType type) =>
        Get(slopes, ("step", device.ToString(), type), () =>
        {
            Tensor m_H11 = Slopes(slopes).view(-1, 1, 1);
            return [exp(-m_H11).to(type, device)];
        })[0];

    /// <summary>Within_H1CC: c e^{-m(i-j)} for j &lt;= i, else 0, in the products' type; ToEnd_H1C1: e^{-m(C-j)} in the state's type.</summary>
    public static (Tensor Within_H1CC, Tensor ToEnd_H1C1) Chunk(double[] slopes, double scale, int chunk, Device device, ScalarType type, ScalarType exact)
    {
        Tensor[] tensors = Get(slopes, ("chunk", scale, chunk, device.ToString(), type), () =>
        {
            Tensor m_H111 = Slopes(slopes).view(-1, 1, 1, 1);
            Tensor i = arange(chunk, ScalarType.Float64);
            Tensor difference_CC = i.unsqueeze(-1) - i.unsqueeze(0);
            Tensor within = exp(-m_H111 * difference_CC.clamp(0)) * (difference_CC >= 0) * scale;
            Tensor toEnd = exp(-m_H111 * (chunk - 1 - i).view(-1, 1));
            return [within.to(type, device), toEnd.to(exact, device)];
        });
        return (tensors[0], tensors[1]);
    }

    /// <summary>
    /// FromStart_HNC1: c times the decay of the state at the chunk's start when read by token i (the first chunk has <paramref name="pads"/> empty places in front);
    /// Between_HMM, M = N + 1: row n makes the state at the start of chunk n (row N: the final one) from the initial state (column 0) and the chunks' sums (column j + 1).
    /// </summary>
    public static (Tensor FromStart_HNC1, Tensor Between_HMM) Chunks(
        double[] slopes, double scale, int chunk, int chunks, int pads, Device device, ScalarType type, ScalarType exact)
    {
        Tensor[] tensors = Get(slopes, ("chunks", scale, chunk, chunks, pads, device.ToString(), type), () =>
        {
            Tensor m_H11 = Slopes(slopes).view(-1, 1, 1);
            Tensor n_N1 = arange(chunks, ScalarType.Float64).unsqueeze(-1);
            Tensor read_NC = arange(1, chunk + 1, ScalarType.Float64).unsqueeze(0) - (n_N1 == 0) * pads;
            Tensor fromStart = exp(-m_H11 * read_NC.clamp(0)).unsqueeze(-1) * scale;

            Tensor row_M1 = arange(chunks + 1, ScalarType.Float64).unsqueeze(-1);
            Tensor column_1M = arange(chunks + 1, ScalarType.Float64).unsqueeze(0);
            Tensor tokens_MM = where(column_1M == 0, (row_M1 * chunk - pads).clamp(0), (row_M1 - column_1M) * chunk);
            Tensor between = exp(-m_H11 * tokens_MM.clamp(0)) * (column_1M <= row_M1);
            return [fromStart.to(type, device), between.to(exact, device)];
        });
        return (tensors[0], tensors[1]);
    }

    /// <summary>The kernel's jobs, int32 (n, 4), and the slopes, float32 (H).</summary>
    public static (Tensor Jobs, Tensor Slopes) Jobs(double[] slopes, int length, long rows, Device device)
    {
        Tensor[] tensors = Get(slopes, ("jobs", length, rows, device.ToString()), () =>
        {
            int slots = 2 * Cuda.CudaDevice.Of(device.index).Multiprocessors;
            int[] jobs = LightningPlan.Jobs(length, slopes, rows, slots);
            return [tensor(jobs, ScalarType.Int32).view(-1, 4).to(device), Slopes(slopes).to(ScalarType.Float32, device)];
        });
        return (tensors[0], tensors[1]);
    }

    private static Tensor Slopes(double[] slopes) => tensor(slopes, ScalarType.Float64);

    private static Tensor[] Get(double[] slopes, object key, Func<Tensor[]> make)
    {
        Dictionary<object, LightningDecay> entries = Kept.GetOrCreateValue(slopes);
        lock (entries)
        {
            if (entries.TryGetValue(key, out LightningDecay? found))
            {
                return found.Tensors;
            }

            // Tensors of inference mode could not take part in a later backward pass.
            using IDisposable normal = inference_mode(false);
            using IDisposable constant = no_grad();
            using DisposeScope scope = NewDisposeScope();
            Tensor[] made = make();
            foreach (Tensor one in made)
            {
                one.DetachFromDisposeScope();
            }

            if (entries.Count >= MostKept)
            {
                entries.Clear();
            }

            entries.Add(key, new LightningDecay(made));
            return made;
        }
    }
}
