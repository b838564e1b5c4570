using System.Runtime.InteropServices;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>
/// The layers and the head of a decoding step of one sequence as one kernel (decode_step.cu), for what is between the embedding and the likeliest id. The kernels of single
/// products and mixers are its reference.
/// </summary>
internal sealed class DecodeStep : IDisposable
{
    /// <summary>Contexts from here on go by single kernels, of which more blocks read keys and values.</summary>
    public const int MostContext = 16384;

    private readonly StepShape _shape;
    private readonly CudaKernel _kernel;
    private readonly int _layers;
    private readonly Tensor _plan;
    private readonly Tensor _hidden;
    private readonly Tensor _projected;
    private readonly Tensor _mixed;
    private readonly Tensor _inner;
    private readonly Tensor _partial;

    private DecodeStep(StepShape shape, IReadOnlyList<DecodeLayer> layers, DecodeMatrix head, Tensor finalNorm_d, IReadOnlyList<long> tables, bool cacheIsInt8)
    {
        (_shape, _layers, _kernel) = (shape, layers.Count, shape.Kernel(cacheIsInt8));
        Device device = finalNorm_d.device;
        Tensor Words(long values) => zeros([values], ScalarType.Int32, device).DetachFromDisposeScope(); // two values and a tag to two of them
        (_hidden, _mixed, _inner, _projected) = (Words(shape.Width), Words(shape.Mixed), Words(shape.Inner), Words(layers.Max(layer => layer.Projected)));
        _partial = Words(2L * shape.Splits * shape.Heads * (StepShape.HeadSize + 2));
        var plan = new StepLayout[layers.Count + 1];
        int shift = 0;
        for (int i = 0; i < layers.Count; i++)
        {
            plan[i] = Layout(layers[i], tables[i], ref shift);
        }

        plan[^1] = Head(head, finalNorm_d, shift);
        byte[] bytes = MemoryMarshal.AsBytes(plan.AsSpan()).ToArray();
        using Tensor host = tensor(bytes);
        _plan = host.to(device).DetachFromDisposeScope();
    }

    /// <summary>Makes room for a model's steps; null where the kernel does not fit.</summary>
    /// <param name="layers">Layers.</param>
    /// <param name="head">Head.</param>
    /// <param name="finalNorm_d">Weight of the last norm.</param>
    /// <param name="tables">For each layer the address of a sequence's entry in the table of <see cref="DecodeMixers"/>.</param>
    /// <param name="cacheIsInt8">Whether keys and values are 8-bit codes with scales.</param>
    public static DecodeStep? For(IReadOnlyList<DecodeLayer> layers, DecodeMatrix head, Tensor finalNorm_d, IReadOnlyList<long> tables, bool cacheIsInt8) =>
        StepShape.Of(layers, head, finalNorm_d.dtype, CudaDevice.Of(finalNorm_d.device_index)) is { } shape ? new DecodeStep(shape, layers, head, finalNorm_d, tables, cacheIsInt8) : null;

    /// <summary>From an embedding to logits; caches move on, the position does not yet.</summary>
    /// <param name="start_1d">Embedding.</param>
    /// <param name="logits_1V">float32.</param>
    /// <param name="positions_1">int32: tokens that the sequence has.</param>
    /// <param name="slopes_H">m_h, float32; null without Lightning attention.</param>
    /// <param name="epsilon">Of all norms.</param>
    /// <param name="linearScale">c of Lightning attention.</param>
    /// <param name="logitBase">a of the queries' factor ln(t + a) / ln(a); 0 takes <paramref name="logitConstant"/>.</param>
    /// <param name="logitConstant">Factor of the queries.</param>
    /// <param name="steps">int32 (1), another number in each step (<see cref="DecodeEnds.Finish"/> counts).</param>
    public void Launch(Tensor start_1d, Tensor logits_1V, Tensor positions_1, Tensor? slopes_H, float epsilon, float linearScale, float logitBase, float logitConstant, Tensor steps) =>
        _kernel.LaunchTogether(
            _shape.Blocks, StepShape.Threads, _shape.SharedBytes, _plan, _layers, start_1d, _hidden, _projected, _mixed, _inner, logits_1V, positions_1, slopes_H, epsilon, linearScale,
            1 / MathF.Sqrt(StepShape.HeadSize), logitBase, logitConstant, _shape.Splits, _partial, steps);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor one in new[] { _plan, _hidden, _projected, _mixed, _inner, _partial })
        {
            one.Dispose();
        }
    }

    private unsafe StepLayout Layout(DecodeLayer layer, long table, ref int shift)
    {
        var layout = new StepLayout
        {
            InputNorm = Address(layer.InputNorm_d), QueryNorm = Address(layer.Heads.QueryNorm_D), KeyNorm = Address(layer.Heads.KeyNorm_D), OutputNorm = Address(layer.OutputNorm),
            PostNorm = Address(layer.PostNorm_d), Frequencies = Address(layer.Heads.Frequencies), Table = table, IsAttention = layer.IsAttention ? 1 : 0, KeyOffset = layer.Heads.KeyOffset,
            ValueOffset = layer.Heads.ValueOffset, GateOffset = layer.HasGate ? layer.Heads.GateOffset : -1, Amplitude = layer.Heads.Amplitude,
        };
        DecodeMatrix?[] all = [layer.Inputs[0], layer.Inputs[1], layer.Inputs[2], layer.HasGate ? layer.Inputs[3] : null, layer.Output, layer.GateUp[0], layer.GateUp[1], layer.Down];
        for (int i = 0; i < all.Length; i++)
        {
            Set(ref layout, i, all[i]);
        }

        int end = 0;
        for (int i = 0; i < 4; i++)
        {
            layout.Ends[i] = end += all[i]?.Outputs ?? 0;
        }

        // A product begins where the one in front has ended, so that all blocks have as much to do.
        int[] tiles = [end / 8, _shape.Width / 8, _shape.Inner / 4, _shape.Width / 8];
        for (int product = 0; product < tiles.Length; product++)
        {
            layout.Shifts[product] = shift;
            shift = (shift + tiles[product]) % _shape.Blocks;
        }

        return layout;
    }

    private static unsafe StepLayout Head(DecodeMatrix head, Tensor norm, int shift)
    {
        var layout = new StepLayout { InputNorm = Address(norm), GateOffset = -1 };
        Set(ref layout, 0, head);
        for (int i = 0; i < 4; i++)
        {
            layout.Ends[i] = head.Outputs;
        }

        layout.Shifts[0] = shift;
        return layout;
    }

    private static unsafe void Set(ref StepLayout layout, int place, DecodeMatrix? matrix) =>
        (layout.Weights[place], layout.Scales[place], layout.Biases[place]) = (Address(matrix?.Weight_NK), Address(matrix?.Scales_N1), Address(matrix?.Bias_N));

    private static long Address(Tensor? tensor) => tensor is null ? 0 : KernelArgument.Data(tensor);
}
