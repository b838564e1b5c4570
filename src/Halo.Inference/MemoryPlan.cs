using System.Runtime.InteropServices;
using Halo.Models;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// Estimates what a batch needs and divides the work so that it fits: rows at once, prompt tokens at once, tokens of logits at once.
/// An estimate only: callers still divide further when a device runs out of memory.
/// </summary>
internal sealed class MemoryPlan
{
    private readonly double _bytesPerToken;
    private readonly double _cacheBytesPerToken;
    private readonly double _cacheBytesPerRow;
    private readonly double _tokenBytes;
    private readonly double _stateBytes;
    private readonly int _mostRows;
    private readonly int _mostTokens;
    private readonly int _vocabulary;
    private readonly long _mostLogitBytes;

    /// <param name="model">The model that will run.</param>
    /// <param name="budget">Bytes that may be used beside the weights; 0 asks the machine.</param>
    public MemoryPlan(CausalLm model, long budget = 0)
    {
        ModelConfiguration configuration = model.Configuration;
        bool cuda = model.Device.type == DeviceType.CUDA;
        int size = model.ComputeType == ScalarType.Float32 ? 4 : 2;
        int heads = Math.Max(configuration.NumAttentionHeads * configuration.HeadDim, configuration.LightningNh * configuration.LightningHeadDim);
        int attentionLayers = configuration.AttentionLayers.Count();

        // Tensors of one layer that live together: the residual stream and norms, the MLP's three, queries to outputs of a mixer in several copies (Lightning in float32).
        _bytesPerToken = (size * ((6.0 * configuration.HiddenSize) + (4.0 * configuration.IntermediateSize))) + (heads * ((8.0 * size) + 24));
        _cacheBytesPerToken = 2.25 * attentionLayers * 2.0 * configuration.NumKeyValueHeads * (model.CacheFormat == CacheFormat.Int8 ? configuration.HeadDim + 4 : configuration.HeadDim * size); // 2.25: old and new buffer while it grows.
        _cacheBytesPerRow = 8.0 * (configuration.NumHiddenLayers - attentionLayers) * configuration.LightningNh * configuration.LightningHeadDim * configuration.LightningHeadDim;
        _tokenBytes = _cacheBytesPerToken / 2.25;
        _stateBytes = _cacheBytesPerRow / 2;
        _vocabulary = configuration.VocabSize;
        _mostRows = cuda ? 256 : 8;
        _mostTokens = cuda ? 1 << 16 : 2048;
        _mostLogitBytes = cuda ? 4L << 30 : 128L << 20;
        Budget = budget > 0 ? budget : cuda ? CudaBudget(model) : CpuBudget();
        Available = budget > 0 ? budget : cuda ? CudaBudget(model, 0.94) : CpuMemory();
    }

    /// <summary>Bytes beside the weights that one long sequence may take: all but a margin, where <see cref="Budget"/> leaves room for whoever else is there.</summary>
    public long Available { get; }

    /// <summary>Bytes that may be used beside the weights.</summary>
    public long Budget { get; }

    /// <summary>Prompt tokens below which blocks are not made smaller.</summary>
    public static int SmallestBlock => 8192;

    /// <summary>Rows of <paramref name="length"/> tokens that fit together with a cache, at least 1.</summary>
    public int RowsThatFit(int length)
    {
        double row = (length * _cacheBytesPerToken) + _cacheBytesPerRow + (Math.Min(length, SmallestBlock) * _bytesPerToken);
        return (int)Math.Clamp(Budget * 0.8 / row, 1, _mostRows);
    }

    /// <summary>Bytes of one sequence's cache with room for a number of tokens.</summary>
    public long CacheBytes(long capacity) => (long)((capacity * _tokenBytes) + _stateBytes);

    /// <summary>Bytes beside the caches of reading a number of tokens at once.</summary>
    public long WorkBytes(long tokens) => (long)((tokens * _bytesPerToken) + _stateBytes + (_vocabulary * 16.0));

    /// <summary>Padded tokens to read in one pass without a cache: as many as keep the device busy (a processor's own caches are small).</summary>
    public int TokensAtOnce => (int)Math.Clamp(Budget * 0.25 / _bytesPerToken, 1, _mostTokens);

    /// <summary>Rows of <paramref name="length"/> tokens whose cache fits beside a pass, at least 1.</summary>
    public int CachedRows(int length) =>
        (int)Math.Clamp(Budget * 0.4 / (((length + 255) / 256 * 256 * _cacheBytesPerToken) + _cacheBytesPerRow), 1, 1 << 16);

    /// <summary>Tokens of each row to read at once: all where they fit, since one causal square is faster than blocks against a cache; else 8,192.</summary>
    public int Block(int rows, int length)
    {
        double left = Budget - (rows * ((length * _cacheBytesPerToken) + _cacheBytesPerRow));
        return length <= SmallestBlock || (double)rows * length * _bytesPerToken <= left ? length : SmallestBlock;
    }

    /// <summary>Tokens whose logits (float32, some copies) may exist at once.</summary>
    public int LogitTokens => (int)Math.Clamp(Math.Min(Budget / 8.0, _mostLogitBytes) / (_vocabulary * 16.0), 16, 16384);

    /// <summary>Whether an exception tells that a device has no memory left.</summary>
    public static bool IsOutOfMemory(Exception error) =>
        error is ExternalException && (error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase));

    private static long CpuBudget() => Math.Min(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 2L << 30);

    /// <summary>Memory of the machine, or of what it grants, that this process does not use, less a margin.</summary>
    public static long CpuMemory()
    {
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
        return Math.Max(most / 10 * 9, 64L << 20);
    }

    private static long CudaBudget(CausalLm model, double share = 0.5)
    {
        // The caching allocator keeps what it once took, so free memory says little: a share of all, less the weights.
        long weights = model.Parameters.Sum(parameter => parameter.Bytes);
        long total = 16L << 30;
        try
        {
            if (DeviceMemory.Query(out _, out nuint all) == 0)
            {
                total = (long)all;
            }
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            // Not a driver under its usual name: the default above is on the safe side.
        }

        return Math.Max((long)(total * share) - weights, total / 16);
    }
}
