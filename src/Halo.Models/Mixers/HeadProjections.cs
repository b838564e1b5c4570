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
    /// <param name="normed_BTd">The input.</param>
    /// <param name="angles">Angles of RoPE; null for none.</param>
    /// <param name="scale_BT11">What queries are multiplied by in the end, float32; null for 1.</param>
    public (Tensor Q_BTHD, Tensor K_BTHD, Tensor V_BTHD) Forward(Tensor normed_BTd, RotaryAngles? angles, Tensor? scale_BT11 = null)
    {
        (long batch, long length) = (normed_BTd.shape[0], normed_BTd.shape[1]);
        Tensor q_BTHD = _q.Forward(normed_BTd).view(batch, length, _heads, _size);
        Tensor k_BTHD = _k.Forward(normed_BTd).view(batch, length, _keyHeads, _size);
        Tensor v_BTHD = _v.Forward(normed_BTd).view(batch, length, _keyHeads, _size);
        (Tensor? qWeight, Tensor? kWeight) = (_qNorm?.Weight.Value, _kNorm?.Weight.Value);
        if (HeadRotation.Serves(q_BTHD, k_BTHD, qWeight, kWeight, angles?.Cosine))
        {
            Tensor? inside = scale_BT11 is not null && HeadRotation.Scales(scale_BT11, q_BTHD, k_BTHD, qWeight, kWeight) ? scale_BT11 : null;
            (q_BTHD, k_BTHD) = HeadRotation.Forward(q_BTHD, k_BTHD, qWeight, kWeight, _qNorm?.Epsilon ?? 0, angles?.Cosine, angles?.SignedSine, inside);
            return (inside is null ? Scaled(q_BTHD, scale_BT11) : q_BTHD, k_BTHD, v_BTHD);
        }

        q_BTHD = _qNorm?.Forward(q_BTHD) ?? q_BTHD;
        k_BTHD = _kNorm?.Forward(k_BTHD) ?? k_BTHD;
        (q_BTHD, k_BTHD) = angles is null ? (q_BTHD, k_BTHD) : (Rotary.Apply(q_BTHD, angles), Rotary.Apply(k_BTHD, angles));
        return (Scaled(q_BTHD, scale_BT11), k_BTHD, v_BTHD);
    }

    private static Tensor Scaled(Tensor q_BTHD, Tensor? scale_BT11) => scale_BT11 is null ? q_BTHD : (q_BTHD * scale_BT11).to_type(q_BTHD.dtype);
}
