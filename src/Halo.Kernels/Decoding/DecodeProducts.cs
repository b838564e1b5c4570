using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Decoding;

/// <summary>Products of a decoding step: few rows of inputs, so that the time is that of reading the weights once.</summary>
internal static class DecodeProducts
{
    /// <summary>Inputs are prepared by a kernel of their own from this batch on, and multiplied on tensor cores where they are bfloat16.</summary>
    public const int FirstBatched = 4;

    // Compute capability.
    private const int FirstWithBulkCopies = 90;
    private const int WithWarpGroups = 90; // and no other: wgmma
    private const int FirstInClusters = 9; // batch
    private const int Most = 4;
    private const int Threads = 512;
    private const int Warps = Threads / 32;
    private const int MostSharedBytes = 200 << 10;
    private const int MostColumns = 32;

    /// <summary>Whether the kernels take inputs of this width, whatever the weights' form.</summary>
    public static bool Fits(long inputs) => inputs % 64 == 0 && inputs * sizeof(float) <= MostSharedBytes;

    /// <summary>Values of <see cref="DecodeRoom.Partial"/> that a product needs.</summary>
    public static long PartialSize(ReadOnlySpan<DecodeMatrix> matrices, DecodeEpilogue epilogue, int batch) =>
        batch < FirstBatched ? 0 : TileShape.Of(matrices[0].Inputs, matrices[0].Kind, batch)?.PartialSize(Tiles(matrices, epilogue), batch) ?? 0;

    /// <summary>Values of <see cref="DecodeRoom.Counters"/> that any product needs.</summary>
    public static long CountersSize(int batch, int device) => (long)CudaDevice.Of(device).Multiprocessors * ((batch + 7) / 8);

    /// <summary>y = W x, of matrices one below the other.</summary>
    /// <param name="matrices">One to four with the same K; for SwiGLU the gate's and the other.</param>
    /// <param name="input">B rows.</param>
    /// <param name="output">(B,N) of the inputs' type, or float32 for logits.</param>
    /// <param name="epilogue">What happens to y.</param>
    /// <param name="room">Shared room.</param>
    public static void Launch(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, DecodeRoom room)
    {
        Tensor rows_BK = input.Rows_BK;
        int batch = (int)rows_BK.shape[0], inputs = matrices[0].Inputs;
        if (batch < FirstBatched)
        {
            Stream(matrices, input, output, epilogue, batch);
            return;
        }

        if (InClusters(matrices, input, output, epilogue, batch))
        {
            return;
        }

        if (input.Prologue == 0)
        {
            LaunchPrepared(matrices, input, output, epilogue, room, batch);
            return;
        }

        using Tensor place_BK = room.Prepared_BK.narrow(1, 0, inputs);
        Prepare(input, place_BK, inputs);
        LaunchPrepared(matrices, new DecodeInput(place_BK), output, epilogue, room, batch);
    }

    private static void LaunchPrepared(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, DecodeRoom room, int batch)
    {
        if (input.Rows_BK.dtype != ScalarType.BFloat16)
        {
            Stream(matrices, input, output, epilogue, batch);
        }
        else if (!InTiles(matrices, input, output, epilogue, room, batch))
        {
            OnTensorCores(matrices, input, output, epilogue, batch);
        }
    }

    /// <summary>On tensor cores, by clusters of blocks that share the columns; false where the card or the shape does not fit.</summary>
    private static bool InClusters(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        var device = CudaDevice.Of(output.device_index);
        bool paired = epilogue == DecodeEpilogue.SwiGlu;
        if (batch < FirstInClusters || device.Capability != WithWarpGroups || input.Rows_BK.dtype != ScalarType.BFloat16 || matrices[0].Weight_NK.dtype != ScalarType.BFloat16 || (!paired && !AreWholeTiles(matrices)))
        {
            return false;
        }

        int inputs = matrices[0].Inputs, units = paired ? ClusterShape.Rows / 2 : ClusterShape.Rows, tiles = (Units(matrices, epilogue) + units - 1) / units;
        (CudaKernel Kernel, ClusterShape Shape, int Clusters)? best = null;
        foreach (int cluster in (ReadOnlySpan<int>)[4, 2])
        {
            if (ClusterShape.Of(cluster, inputs, batch, device.MostSharedBytes) is not { } shape)
            {
                continue;
            }

            CudaKernel kernel = CudaKernel.Get(
                "decode_cluster.cu", "decode_cluster", KernelInputs.Element(input.Rows_BK), ("WEIGHT_KIND", "0"), ("COLUMNS", KernelInputs.Number(shape.Columns)), ("INPUTS", KernelInputs.Number(inputs)),
                ("PROLOGUE", KernelInputs.Number(input.Prologue)), ("EPILOGUE", KernelInputs.Number((int)epilogue)), ("CLUSTER", KernelInputs.Number(cluster)), ("STAGES", KernelInputs.Number(shape.Stages)),
                ("FLIGHT", KernelInputs.Number(ClusterShape.Flight)));
            int clusters = Math.Min(tiles, kernel.ClustersAtOnce(cluster, ClusterShape.Threads, shape.SharedBytes, device));
            if (clusters > 0 && (best is not { } other || shape.Work(inputs, tiles, clusters) < other.Shape.Work(inputs, tiles, other.Clusters)))
            {
                best = (kernel, shape, clusters);
            }
        }

        if (best is not { } chosen)
        {
            return false;
        }

        using CudaScope entered = device.Enter();
        var maps = new TensorMap[Most];
        for (int i = 0; i < Most; i++)
        {
            maps[i] = i < matrices.Length ? TensorMap.OfColumns(matrices[i].Weight_NK, units, paired ? 1 : ClusterShape.Chunks) : maps[i - 1];
        }

        (int[] ends, DecodeMatrix a, DecodeMatrix b, DecodeMatrix c, DecodeMatrix d) = Four(matrices, epilogue);
        chosen.Kernel.LaunchAhead(
            new KernelGrid(chosen.Clusters * chosen.Shape.Cluster, (batch + chosen.Shape.Columns - 1) / chosen.Shape.Columns), ClusterShape.Threads, chosen.Shape.SharedBytes,
            maps[0], maps[1], maps[2], maps[3], a.Bias_N, b.Bias_N, c.Bias_N, d.Bias_N, ends[0], ends[1], ends[2], ends[3],
            input.Rows_BK, Stride(input.Rows_BK), input.Gate_BK, Stride(input.Gate_BK), input.Norm_K, (float)input.Epsilon, output, Stride(output), batch);
        return true;
    }

    /// <summary>Whether matrices but the last end where tiles of decode_cluster.cu do.</summary>
    private static bool AreWholeTiles(ReadOnlySpan<DecodeMatrix> matrices)
    {
        foreach (DecodeMatrix matrix in matrices[..^1])
        {
            if (matrix.Outputs % ClusterShape.Rows != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>On tensor cores with weights in bulk copies; false where the card or the shape does not fit.</summary>
    private static bool InTiles(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, DecodeRoom room, int batch)
    {
        var device = CudaDevice.Of(output.device_index);
        int inputs = matrices[0].Inputs, kind = matrices[0].Kind;
        if (device.Capability < FirstWithBulkCopies || TileShape.Of(inputs, kind, batch) is not { } shape)
        {
            return false;
        }

        int tiles = Tiles(matrices, epilogue), blocks = Math.Min(device.Multiprocessors / shape.Slices, tiles);
        (int[] ends, DecodeMatrix a, DecodeMatrix b, DecodeMatrix c, DecodeMatrix d) = Four(matrices, epilogue);
        CudaKernel.Get(
            "decode_tiles.cu", "decode_tiles", KernelInputs.Element(input.Rows_BK), ("WEIGHT_KIND", KernelInputs.Number(kind)), ("COLUMNS", KernelInputs.Number(shape.Columns)), ("INPUTS", KernelInputs.Number(inputs)),
            ("EPILOGUE", KernelInputs.Number((int)epilogue)), ("SLICE", KernelInputs.Number(shape.Slice)), ("STAGES", KernelInputs.Number(shape.Stages)))
            .LaunchAhead(
                new KernelGrid(blocks * shape.Slices, (batch + shape.Columns - 1) / shape.Columns), TileShape.Threads, shape.SharedBytes,
                a.Weight_NK, b.Weight_NK, c.Weight_NK, d.Weight_NK, a.Scales_N1, b.Scales_N1, c.Scales_N1, d.Scales_N1, a.Bias_N, b.Bias_N, c.Bias_N, d.Bias_N,
                ends[0], ends[1], ends[2], ends[3], input.Rows_BK, Stride(input.Rows_BK), output, Stride(output), batch, room.Partial, room.Counters);
        return true;
    }

    private static void Prepare(DecodeInput input, Tensor output, int inputs) =>
        CudaKernel.Get("decode_prepare.cu", "decode_prepare", KernelInputs.Element(output), ("WIDTH", KernelInputs.Number(inputs)), ("PROLOGUE", KernelInputs.Number(input.Prologue)))
            .LaunchAhead(output.shape[0], 256, 0, input.Rows_BK, Stride(input.Rows_BK), input.Gate_BK, Stride(input.Gate_BK), input.Norm_K, (float)input.Epsilon, output, Stride(output));

    /// <summary>Weights in bulk copies, begun while kernels in front are at work; false where the card or the shape does not fit.</summary>
    private static bool StreamInBulk(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        var device = CudaDevice.Of(output.device_index);
        int inputs = matrices[0].Inputs, atOnce = Math.Min(batch, 2);
        bool paired = epilogue == DecodeEpilogue.SwiGlu;
        StreamShape? found = StreamShape.Of(inputs, paired, atOnce);
        if (found is null && atOnce > 1)
        {
            found = StreamShape.Of(inputs, paired, atOnce = 1);
        }

        // 8-bit weights come faster than this kernel takes them.
        if (device.Capability < FirstWithBulkCopies || matrices[0].Weight_NK.dtype != ScalarType.BFloat16 || found is not { } shape)
        {
            return false;
        }

        CudaKernel kernel = CudaKernel.Get(
            "decode_stream.cu", "decode_stream", KernelInputs.Element(input.Rows_BK), ("WEIGHT_KIND", "0"), ("BATCH", KernelInputs.Number(atOnce)), ("INPUTS", KernelInputs.Number(inputs)),
            ("PROLOGUE", KernelInputs.Number(input.Prologue)), ("EPILOGUE", KernelInputs.Number((int)epilogue)), ("ROWS", KernelInputs.Number(shape.Rows)), ("STAGES", KernelInputs.Number(shape.Stages)));
        var grid = new KernelGrid(Math.Min(device.Multiprocessors, Units(matrices, epilogue)), (batch + atOnce - 1) / atOnce);
        Launch(kernel, grid, StreamShape.Threads, shape.SharedBytes, matrices, input, output, epilogue, batch);
        return true;
    }

    private static void Stream(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        if (batch < FirstBatched && StreamInBulk(matrices, input, output, epilogue, batch))
        {
            return;
        }

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
        Launch(kernel, grid, Threads, atOnce * inputs * sizeof(float), matrices, input, output, epilogue, batch);
    }

    private static void OnTensorCores(ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        int inputs = matrices[0].Inputs, columns = batch <= 8 ? 8 : batch <= 16 ? 16 : MostColumns;
        int phase = Math.Min(inputs, 65536 / columns);
        int shared = (columns * (phase + 32) * 2) + (Warps * 16 * (columns + 8) * sizeof(float));
        var grid = new KernelGrid(Math.Min(CudaDevice.Of(output.device_index).Multiprocessors, Tiles(matrices, epilogue)), (batch + columns - 1) / columns);
        CudaKernel kernel = CudaKernel.Get(
            "decode_matrix.cu", "decode_matrix", KernelInputs.Element(input.Rows_BK), ("WEIGHT_KIND", KernelInputs.Number(matrices[0].Kind)), ("COLUMNS", KernelInputs.Number(columns)), ("INPUTS", KernelInputs.Number(inputs)), ("EPILOGUE", KernelInputs.Number((int)epilogue)));
        Launch(kernel, grid, Threads, shared, matrices, input, output, epilogue, batch);
    }

    private static void Launch(CudaKernel kernel, KernelGrid grid, int threads, int shared, ReadOnlySpan<DecodeMatrix> matrices, DecodeInput input, Tensor output, DecodeEpilogue epilogue, int batch)
    {
        (int[] ends, DecodeMatrix a, DecodeMatrix b, DecodeMatrix c, DecodeMatrix d) = Four(matrices, epilogue);
        kernel.LaunchAhead(
            grid, threads, shared, a.Weight_NK, b.Weight_NK, c.Weight_NK, d.Weight_NK, a.Scales_N1, b.Scales_N1, c.Scales_N1, d.Scales_N1, a.Bias_N, b.Bias_N, c.Bias_N, d.Bias_N,
            ends[0], ends[1], ends[2], ends[3], input.Rows_BK, Stride(input.Rows_BK), input.Gate_BK, Stride(input.Gate_BK), input.Norm_K, (float)input.Epsilon, output, Stride(output), batch);
    }

    /// <summary>Four matrices, the last repeated where there are fewer, and where each one's outputs end.</summary>
    private static (int[] Ends, DecodeMatrix A, DecodeMatrix B, DecodeMatrix C, DecodeMatrix D) Four(ReadOnlySpan<DecodeMatrix> matrices, DecodeEpilogue epilogue)
    {
        var ends = new int[Most];
        int end = 0;
        for (int i = 0; i < Most; i++)
        {
            end += i < matrices.Length && (i == 0 || epilogue != DecodeEpilogue.SwiGlu) ? matrices[i].Outputs : 0;
            ends[i] = end;
        }

        DecodeMatrix Of(ReadOnlySpan<DecodeMatrix> all, int i) => all[Math.Min(i, all.Length - 1)];
        return (ends, Of(matrices, 0), Of(matrices, 1), Of(matrices, 2), Of(matrices, 3));
    }

    private static int Tiles(ReadOnlySpan<DecodeMatrix> matrices, DecodeEpilogue epilogue)
    {
        int tile = epilogue == DecodeEpilogue.SwiGlu ? 8 : 16;
        return (Units(matrices, epilogue) + tile - 1) / tile;
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
