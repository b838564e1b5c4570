using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>Products of a decoding step: few rows of inputs, so that the time is that of reading the weights once.</summary>
internal static class DecodeProducts
{
    /// <summary>Inputs are prepared by a kernel of their own from this batch on, and multiplied on tensor cores where they are bfloat16.</summary>
    public const int FirstBatched = 4;

    private const int Most = 4;
    private const int Threads = 512;
    private const int Warps = Threads / 32;
    private const int MostSharedBytes = 200 << 10;
    private const int MostColumns = 32;

    /// <summary>Whether the kernels take inputs of this width, whatever the weights' form.</summary>
    public static bool Fits(long inputs) => inputs % 64 == 0 && inputs * sizeof(float) <= MostSharedBytes;

    /// <summary>y = W x, of matrices one below the other.</summary>
    /// <param name="matrices">One to four with the same K; for SwiGLU the gate's and the other.</param>
    /// <param name="input">B rows.</param>
    /// <param name="output">(B,N) of the inputs' type, or float32 for logits.</param>
    /// <param name="epilogue">What happens to y.</param>
    /// <param name="prepared_BK">Room for prepared inputs, as wide as any.</param>
    public static void Launch(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, Tensor prepared_BK)
    {
        Tensor rows_BK = input.Rows_BK;
        int batch = (int)rows_BK.shape[0], inputs = matrices[0].Inputs;
        if (batch < FirstBatched)
        {
            Stream(matrices, input, output, epilogue, batch);
            return;
        }

        if (input.Prologue == 0)
        {
            LaunchPrepared(matrices, input, output, epilogue, batch);
            return;
        }

        using Tensor place_BK = prepared_BK.narrow(1, 0, inputs);
        Prepare(input, place_BK, inputs);
        LaunchPrepared(matrices, new DecodeInput(place_BK), output, epilogue, batch);
    }

    private static void LaunchPrepared(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        if (input.Rows_BK.dtype == ScalarType.BFloat16)
        {
            OnTensorCores(matrices, input, output, epilogue, batch);
        }
        else
        {
            Stream(matrices, input, output, epilogue, batch);
        }
    }

    private static void Prepare(DecodeInput input, Tensor output, int inputs) =>
        CudaKernel.Get("decode_prepare.cu", "decode_prepare", KernelInputs.Element(output), ("WIDTH", KernelInputs.Number(inputs)), ("PROLOGUE", KernelInputs.Number(input.Prologue)))
            .LaunchAhead(output.shape[0], 256, 0, input.Rows_BK, Stride(input.Rows_BK), input.Gate_BK, Stride(input.Gate_BK), input.Norm_K, (float)input.Epsilon, output, Stride(output));

    private static void Stream(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        int inputs = matrices[0].Inputs, atOnce = Math.Min(batch, 4);
        while (atOnce == 3 || atOnce * inputs * sizeof(float) > MostSharedBytes)
        {
            atOnce--;
        }

        int units = Units(matrices, epilogue);
        // Two blocks fit on a multiprocessor; the rows of the head are many, and even without.
        int blocks = CudaDevice.Of(output.device_index).Multiprocessors * (epilogue == DecodeEpilogue.Logits ? 1 : 2);
        var grid = new KernelGrid(Math.Min(blocks, (units + Warps - 1) / Warps), (batch + atOnce - 1) / atOnce);
        CudaKernel kernel = CudaKernel.Get(
            "decode_product.cu", "decode_product", KernelInputs.Element(input.Rows_BK), ("WEIGHT_KIND", KernelInputs.Number(matrices[0].Kind)), ("BATCH", KernelInputs.Number(atOnce)), ("INPUTS", KernelInputs.Number(inputs)),
            ("PROLOGUE", KernelInputs.Number(input.Prologue)), ("EPILOGUE", KernelInputs.Number((int)epilogue)));
        Launch(kernel, grid, atOnce * inputs * sizeof(float), matrices, input, output, epilogue, batch);
    }

    private static void OnTensorCores(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        int inputs = matrices[0].Inputs, columns = batch <= 8 ? 8 : batch <= 16 ? 16 : MostColumns;
        int phase = Math.Min(inputs, 65536 / columns), tile = epilogue == DecodeEpilogue.SwiGlu ? 8 : 16;
        int shared = (columns * (phase + 32) * 2) + (Warps * 16 * (columns + 8) * sizeof(float));
        var grid = new KernelGrid(Math.Min(CudaDevice.Of(output.device_index).Multiprocessors, (Units(matrices, epilogue) + tile - 1) / tile), (batch + columns - 1) / columns);
        CudaKernel kernel = CudaKernel.Get(
            "decode_matrix.cu", "decode_matrix", KernelInputs.Element(input.Rows_BK), ("WEIGHT_KIND", KernelInputs.Number(matrices[0].Kind)), ("COLUMNS", KernelInputs.Number(columns)), ("INPUTS", KernelInputs.Number(inputs)), ("EPILOGUE", KernelInputs.Number((int)epilogue)));
        Launch(kernel, grid, shared, matrices, input, output, epilogue, batch);
    }

    private static void Launch(CudaKernel kernel, KernelGrid grid, int shared, ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        Span<int> ends = stackalloc int[Most];
        int end = 0;
        for (int i = 0; i < Most; i++)
        {
            end += i < matrices.Length && (i == 0 || epilogue != DecodeEpilogue.SwiGlu) ? matrices[i].Outputs : 0;
            ends[i] = end;
        }

        // Places that are not needed repeat the last matrix.
        DecodeMatrix a = matrices[0], b = matrices[Math.Min(1, matrices.Length - 1)], c = matrices[Math.Min(2, matrices.Length - 1)], d = matrices[Math.Min(3, matrices.Length - 1)];
        kernel.LaunchAhead(
            grid, Threads, shared, a.Weight_NK, b.Weight_NK, c.Weight_NK, d.Weight_NK, a.Scales_N1, b.Scales_N1, c.Scales_N1, d.Scales_N1, a.Bias_N, b.Bias_N, c.Bias_N, d.Bias_N,
            ends[0], ends[1], ends[2], ends[3], input.Rows_BK, Stride(input.Rows_BK), input.Gate_BK, Stride(input.Gate_BK), input.Norm_K, (float)input.Epsilon, output, Stride(output), batch);
    }

    private static int Units(ReadOnlySpan<DecodeMatrix> matrices, DecodeEpilogue epilogue)
    {
        int units = matrices[0].Outputs;
        for (int i = 1; i < matrices.Length && epilogue != DecodeEpilogue.SwiGlu; i++)
        {
            units += matrices[i].Outputs;
        }

        return units;
    }

    private static long Stride(Tensor? rows) => rows is null ? 0 : rows.stride(0);
}
