using Halo.Kernels;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>Wq, Wk, Wv of a layer with their biases, QK-norm where there is one, and RoPE: what attention and Lightning layers share.</summary>
internal sealed class HeadProjections
{
    private readonly int _heads;
    private readonly int _keyHeads;
    private readonly int _size;
    private readonly Linear _q;
    private readonly Linear _k;
    private readonly Linear _v;
    private readonly RmsNorm? _qNorm;
    private readonly RmsNorm? _kNorm;

    public HeadProjections(ModelConfiguration configuration, int heads, int keyHeads, int size, bool norm, Func<string, long[], Parameter> make)
    {
        (_heads, _keyHeads, _size) = (heads, keyHeads, size);
        (int d, bool bias) = (configuration.HiddenSize, configuration.AttentionBias);
        _q = new Linear(make, "q_proj", heads * size, d, bias);
        _k = new Linear(make, "k_proj", keyHeads * size, d, bias);
        _v = new Linear(make, "v_proj", keyHeads * size, d, bias);
        if (norm)
        {
            _qNorm = new RmsNorm(make("q_norm.weight", [size]), configuration.RmsNormEps);
            _kNorm = new RmsNorm(make("k_norm.weight", [size]), configuration.RmsNormEps);
        }
    }

    public IEnumerable<Parameter> Parameters => [.. _q.Parameters, .. _k.Parameters, .. _v.Parameters, .. new[] { _qNorm?.Weight, _kNorm?.Weight }.OfType<Parameter>()];

    /// <summary>q (B,T,H,D), k and v (B,T,Hkv,D) of the normed input.</summary>
    public (Tensor Q_BTHD, Tensor K_BTHD, Tensor V_BTHD) Forward(Tensor normed_BTd, RotaryAngles? angles)
    {
        (long batch, long length) = (normed_BTd.shape[0], normed_BTd.shape[1]);
        Tensor q_BTHD = _q.Forward(normed_BTd).view(batch, length, _heads, _size);
        Tensor k_BTHD = _k.Forward(normed_BTd).view(batch, length, _keyHeads, _size);
        Tensor v_BTHD = _v.Forward(normed_BTd).view(batch, length, _keyHeads, _size);
        if (HeadRotation.Serves(q_BTHD, k_BTHD, _qNorm?.Weight.Value, _kNorm?.Weight.Value, angles?.Cosine))
        {
            (q_BTHD, k_BTHD) = HeadRotation.Forward(q_BTHD, k_BTHD, _qNorm?.Weight.Value, _kNorm?.Weight.Value, _qNorm?.Epsilon ?? 0, angles?.Cosine, angles?.SignedSine);
            return (q_BTHD, k_BTHD, v_BTHD);
        }

        q_BTHD = _qNorm?.Forward(q_BTHD) ?? q_BTHD;
        k_BTHD = _kNorm?.Forward(k_BTHD) ?? k_BTHD;
        return angles is null ? (q_BTHD, k_BTHD, v_BTHD) : (Rotary.Apply(q_BTHD, angles), Rotary.Apply(k_BTHD, angles), v_BTHD);
    }
}
