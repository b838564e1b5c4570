using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>The product with the head in chunks, forwards and backwards. Lives within one dispose scope of <see cref="ChunkedLoss"/>, without autograd.</summary>
internal sealed class HeadGradient
{
    private readonly Tensor _input_Nd;
    private readonly Tensor _weight_Vd;
    private readonly Tensor _weight_dV;
    private readonly Tensor? _target_Vd;
    private readonly Tensor? _gradient_Vd;
    private readonly double _scale;

    /// <param name="hidden_Nd">Hidden states.</param>
    /// <param name="head_Vd">The head.</param>
    /// <param name="scale">Factor of all gradients.</param>
    /// <param name="target_Vd">Where the head's gradient is added; null: its <c>grad</c>, if it requires one.</param>
    /// <param name="chunk">Most tokens of a chunk.</param>
    public HeadGradient(Tensor hidden_Nd, Tensor head_Vd, double scale, Tensor? target_Vd, long chunk)
    {
        _input_Nd = hidden_Nd.detach();
        _weight_Vd = head_Vd.detach().to(hidden_Nd.dtype);
        _weight_dV = _weight_Vd.t();
        _scale = scale;
        SumType = hidden_Nd.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Hidden_Nd = empty_like(_input_Nd);
        if (head_Vd.requires_grad)
        {
            if (target_Vd is null && head_Vd.grad is null)
            {
                head_Vd.grad = zeros_like(head_Vd);
            }

            // Chunks are summed in float32; one alone is added as it is.
            _target_Vd = target_Vd ?? head_Vd.grad!;
            _gradient_Vd = _target_Vd.dtype == SumType || hidden_Nd.shape[0] <= chunk ? _target_Vd : zeros(head_Vd.shape, SumType, head_Vd.device);
        }
    }

    /// <summary>Type of log-softmax and sums: float32, or float64 for float64 models.</summary>
    public ScalarType SumType { get; }

    /// <summary>Gradient with respect to the hidden states.</summary>
    public Tensor Hidden_Nd { get; }

    public Tensor Logits(long start, long count) => _input_Nd.narrow(0, start, count).mm(_weight_dV);

    /// <summary>After the last chunk: hands the weight's gradient over where it was summed in a wider type than it has.</summary>
    public void Finish()
    {
        if (_gradient_Vd is not null && !ReferenceEquals(_gradient_Vd, _target_Vd))
        {
            _target_Vd!.add_(_gradient_Vd);
        }
    }

    /// <summary>Takes the gradient of the chunk's logits, not yet scaled: the scale is applied after the products, where tensors are small or float32.</summary>
    public void Backward(Tensor logitsGradient_nV, long start, long count)
    {
        Tensor g_nV = logitsGradient_nV.to(_input_Nd.dtype);
        Hidden_Nd.narrow(0, start, count).copy_(g_nV.mm(_weight_Vd).mul_(_scale));
        if (_gradient_Vd is null)
        {
            return;
        }

        // The sum over chunks is float32 (or wider), the product of a chunk is in the compute type.
        Tensor input_nd = _input_Nd.narrow(0, start, count);
        _gradient_Vd.add_(g_nV.t().mm(input_nd), _scale);
    }
}
