using Halo.Kernels;
using Halo.Kernels.Cpu;
using Halo.Models;

namespace Halo.Inference;

/// <summary>
/// One pass of a model over new tokens with the CPU's own kernels, in float32 between the products. The tokens are either of one sequence, one behind the other,
/// or of as many sequences as there are tokens.
/// </summary>
internal sealed unsafe class CpuDecoder : IDisposable
{
    /// <summary>Most tokens of a pass.</summary>
    public const int Most = 256;

    private readonly CpuWeights _weights;
    private readonly ModelConfiguration _configuration;
    private readonly WorkerPool _pool;
    private readonly CpuPath _path;
    private readonly float _epsilon;
    private readonly RotaryTable? _attentionRotary;
    private readonly RotaryTable? _lightningRotary;
    private readonly float[] _decays;
    private readonly SingleAttention? _single;
    private readonly CpuWork _one;
    private CpuWork? _many;

    public CpuDecoder(CpuWeights weights, WorkerPool pool, CpuPath path)
    {
        (_weights, _configuration, _pool, _path) = (weights, weights.Configuration, pool, path);
        ModelConfiguration c = _configuration;
        _epsilon = (float)c.RmsNormEps;
        bool attention = c.MixerTypes.Contains(MixerType.Attention), lightning = c.MixerTypes.Contains(MixerType.Lightning);
        _attentionRotary = attention && c.AttnUseRope ? new RotaryTable(c.HeadDim, c.RopeTheta, c.RopeScaling) : null;
        _lightningRotary = lightning && c.LightningUseRope ? new RotaryTable(c.LightningHeadDim, c.RopeTheta, c.LightningRopeScaling) : null;
        _decays = lightning ? [.. Lightning.Slopes(c.LightningNh).Select(m => (float)Math.Exp(-m))] : [];
        _single = attention ? new SingleAttention(pool.Count, c.NumAttentionHeads, c.HeadDim) : null;
        _one = new CpuWork(weights, 1);
    }

    /// <summary>Scaling of attention queries by position.</summary>
    public LogitsScaling? Scaling { get; set; }

    /// <summary>Reads tokens; the caches have room for them already and are longer by them afterwards.</summary>
    /// <param name="caches">One sequence, or one for each token.</param>
    /// <param name="ids">T ids, valid ones, at most <see cref="Most"/>.</param>
    /// <param name="logits">V values, (rounded up to 16), of the last token, or of each where <paramref name="caches"/> are several; null for none.</param>
    /// <param name="logitsStride">From a row of logits to the next.</param>
    public void Forward(IReadOnlyList<CpuCache> caches, ReadOnlySpan<int> ids, float* logits, int logitsStride)
    {
        int tokens = ids.Length;
        CpuWork work = tokens == 1 ? _one : _many ??= new CpuWork(_weights, Most);
        Span<int> positions = stackalloc int[tokens];
        int d = _configuration.HiddenSize;
        for (int t = 0; t < tokens; t++)
        {
            positions[t] = caches.Count == 1 ? caches[0].Length + t : caches[t].Length;
            _weights.Embedding.GetRow(ids[t], new Span<float>(work.Hidden + ((long)t * d), d));
        }

        _attentionRotary?.Set(positions);
        _lightningRotary?.Set(positions);
        float[] scales = Scales(positions);
        for (int index = 0; index < _weights.Layers.Count; index++)
        {
            CpuLayer layer = _weights.Layers[index];
            Norm(work, layer.InputNorm, layer.Inputs, tokens, null);
            Product(layer.Inputs, work.Normed, tokens, work.Wide, work.WideStride);
            Prepare(layer, index, work, caches, tokens, scales);
            Mix(layer, index, work, caches, tokens);
            AfterMix(layer, work, tokens);
            Product(layer.Output, work.Mixed, tokens, work.Narrow, work.NarrowStride);
            Norm(work, layer.PostNorm, layer.GateUp, tokens, layer.OutputBias, add: true);
            Product(layer.GateUp, work.Normed, tokens, work.Wide, work.WideStride);
            Activate(layer, work, tokens);
            Product(layer.Down, work.Inner, tokens, work.Narrow, work.NarrowStride);
            Each(tokens, t => AddNarrow(work, t, layer.DownBias));
        }

        foreach (CpuCache cache in caches)
        {
            cache.Length += caches.Count == 1 ? tokens : 1;
        }

        if (logits is not null)
        {
            Head(work, tokens, caches.Count > 1, logits, logitsStride);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _single?.Dispose();
        _one.Dispose();
        _many?.Dispose();
    }

    private void Product(PackedMatrix w, QuantizedRows x, int tokens, float* y, int stride) => Products.Multiply(_pool, w, x, tokens, y, stride, _path);

    private void Each(int tokens, Action<int> work)
    {
        if (tokens == 1)
        {
            work(0);
            return;
        }

        _pool.Divide(tokens, (from, to) =>
        {
            for (int t = from; t < to; t++)
            {
                work(t);
            }
        });
    }

    private void AddNarrow(CpuWork work, int t, NativeBlock? bias)
    {
        int d = _configuration.HiddenSize;
        float* hidden = work.Hidden + ((long)t * d);
        VectorMath.Add(hidden, work.Narrow + ((long)t * work.NarrowStride), d);
        if (bias is not null)
        {
            VectorMath.Add(hidden, bias.Floats, d);
        }
    }

    private void Norm(CpuWork work, NativeBlock weight, PackedMatrix next, int tokens, NativeBlock? bias, bool add = false) => Each(tokens, t =>
    {
        if (add)
        {
            AddNarrow(work, t, bias);
        }

        int d = _configuration.HiddenSize;
        VectorMath.RmsNorm(work.Hidden + ((long)t * d), weight.Floats, _epsilon, d, work.Normed.Row(t));
        if (next.IsInteger)
        {
            work.Normed.Quantize(t);
        }
    });

    /// <summary>Factors of the queries: D^-1/2 and the scaling by position.</summary>
    private float[] Scales(ReadOnlySpan<int> positions)
    {
        var scales = new float[positions.Length];
        float whole = (float)(1 / Math.Sqrt(_configuration.HeadDim));
        for (int t = 0; t < scales.Length; t++)
        {
            float s = Scaling is null ? 1 : Scaling.Base is { } a ? MathF.Log(positions[t] + (float)a) / MathF.Log((float)a) : (float)Scaling.Constant!.Value;
            scales[t] = whole * s;
        }

        return scales;
    }

    /// <summary>Biases, QK-norm, RoPE, the queries' factors; keys and values go to the cache.</summary>
    private void Prepare(CpuLayer layer, int index, CpuWork work, IReadOnlyList<CpuCache> caches, int tokens, float[] scales) => Each(tokens, t =>
    {
        float* row = work.Wide + ((long)t * work.WideStride);
        if (layer.InputBias is not null)
        {
            VectorMath.Add(row, layer.InputBias.Floats, layer.Inputs.Rows);
        }

        RotaryTable? rotary = layer.IsAttention ? _attentionRotary : _lightningRotary;
        int size = layer.Size, half = size / 2;
        fixed (float* cosine = rotary is null ? default : rotary.Cosine[(t * half)..], sine = rotary is null ? default : rotary.Sine[(t * half)..])
        {
            for (int head = 0; head < layer.Heads + layer.KeyHeads; head++)
            {
                float* x = row + (head * size);
                if ((head < layer.Heads ? layer.QueryNorm : layer.KeyNorm) is { } norm)
                {
                    VectorMath.RmsNorm(x, norm.Floats, _epsilon, size, x);
                }

                if (rotary is not null)
                {
                    VectorMath.Rotate(x, cosine, sine, size);
                }
            }
        }

        if (!layer.IsAttention)
        {
            return;
        }

        for (int i = 0; i < layer.Width; i++)
        {
            row[i] *= scales[t];
        }

        CpuCache cache = caches.Count == 1 ? caches[0] : caches[t];
        int position = caches.Count == 1 ? cache.Length + t : cache.Length;
        float* keys = row + layer.Width, values = keys + layer.KeyWidth;
        for (int head = 0; head < layer.KeyHeads; head++)
        {
            cache.Keys(index).Set(position, head, keys + (head * size), values + (head * size));
        }
    });

    private void Mix(CpuLayer layer, int index, CpuWork work, IReadOnlyList<CpuCache> caches, int tokens)
    {
        bool together = caches.Count == 1;
        if (!layer.IsAttention)
        {
            _pool.Divide(layer.Heads, (from, to) =>
            {
                for (int sequence = 0; sequence < caches.Count; sequence++)
                {
                    for (int head = from; head < to; head++)
                    {
                        Steps(layer, caches[sequence].State(index), head, work, sequence, together ? tokens : 1);
                    }
                }
            });
        }
        else if (together && tokens > 1)
        {
            SoftmaxAttention.Blocks(_pool, caches[0].Keys(index), work.Wide, work.WideStride, layer.Heads, caches[0].Length, tokens, work.Mixed.Row(0), work.Mixed.Stride);
        }
        else
        {
            for (int t = 0; t < tokens; t++)
            {
                _single!.Run(_pool, caches[t].Keys(index), work.Wide + ((long)t * work.WideStride), caches[t].Length + 1, work.Mixed.Row(t));
            }
        }
    }

    private void Steps(CpuLayer layer, float* states, int head, CpuWork work, int first, int tokens)
    {
        int size = layer.Size, keyHead = head * layer.KeyHeads / layer.Heads;
        float* row = work.Wide + ((long)first * work.WideStride), keys = row + layer.Width + (keyHead * size);
        LightningSteps.Run(
            states + ((long)head * size * size), size, _decays[head], (float)_configuration.LightningScaleValue, row + (head * size), keys, keys + layer.KeyWidth, work.WideStride,
            work.Mixed.Row(first) + (head * size), work.Mixed.Stride, tokens);
    }

    private void AfterMix(CpuLayer layer, CpuWork work, int tokens) => Each(tokens, t =>
    {
        float* row = work.Mixed.Row(t);
        if (layer.OutputNorm is { } norm)
        {
            VectorMath.RmsNorm(row, norm.Floats, _epsilon, layer.Width, row);
        }

        if (layer.HasGate)
        {
            VectorMath.Gate(row, work.Wide + ((long)t * work.WideStride) + layer.Width + (2 * layer.KeyWidth), layer.Width);
        }

        if (layer.Output.IsInteger)
        {
            work.Mixed.Quantize(t);
        }
    });

    private void Activate(CpuLayer layer, CpuWork work, int tokens) => Each(tokens, t =>
    {
        float* row = work.Wide + ((long)t * work.WideStride);
        if (layer.GateUpBias is not null)
        {
            VectorMath.Add(row, layer.GateUpBias.Floats, layer.GateUp.Rows);
        }

        int inner = _configuration.IntermediateSize;
        VectorMath.SwiGlu(row, row + inner, inner, work.Inner.Row(t));
        if (layer.Down.IsInteger)
        {
            work.Inner.Quantize(t);
        }
    });

    private void Head(CpuWork work, int tokens, bool all, float* logits, int stride)
    {
        // The rows asked for stand first.
        int first = all ? 0 : tokens - 1, rows = all ? tokens : 1, d = _configuration.HiddenSize;
        for (int t = 0; t < rows; t++)
        {
            VectorMath.RmsNorm(work.Hidden + ((long)(first + t) * d), _weights.FinalNorm.Floats, _epsilon, d, work.Normed.Row(t));
            if (_weights.Head.IsInteger)
            {
                work.Normed.Quantize(t);
            }
        }

        Product(_weights.Head, work.Normed, rows, logits, stride);
    }
}
