using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// A forward pass to the final norm whose backward pass is given the gradient of the hidden states. With recomputation only the layers' inputs are kept,
/// and the backward pass computes one layer at a time again. Lives within one dispose scope.
/// </summary>
internal sealed class HiddenPass
{
    private readonly CausalLm _model;
    private readonly Tensor _ids_BT;
    private readonly Tensor _hidden_BTd;
    private readonly LayerContext? _context;
    private readonly List<Tensor> _inputs = [];

    public HiddenPass(CausalLm model, Tensor ids_BT, SequenceLayout? layout, bool recompute)
    {
        _model = model;
        _ids_BT = ids_BT;
        if (recompute)
        {
            _context = model.Context(ids_BT, layout);
            _hidden_BTd = KeepInputs();
        }
        else
        {
            _hidden_BTd = model.Hidden(ids_BT, layout);
        }

        Hidden_Nd = _hidden_BTd.detach().view(-1, _hidden_BTd.shape[^1]);
    }

    /// <summary>Hidden states after the final norm, without autograd.</summary>
    public Tensor Hidden_Nd { get; }

    /// <summary>Adds to the gradients of all weights below the head.</summary>
    public void Backward(Tensor gradient_Nd)
    {
        Tensor gradient_BTd = gradient_Nd.view(_hidden_BTd.shape);
        _hidden_BTd.backward([gradient_BTd]);
        if (_context is null)
        {
            return;
        }

        Tensor gradient = TakeGradient(_inputs[^1]);
        for (int layer = _model.Layers.Count - 1; layer >= 0; layer--)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor x_BTd = _inputs[layer].requires_grad_();
            _model.LayerForward(layer, x_BTd, _context).backward([gradient]);
            gradient.Dispose();
            gradient = TakeGradient(x_BTd).MoveToOuterDisposeScope();
        }

        Tensor embedded = _model.Embed(_ids_BT);
        if (embedded.requires_grad)
        {
            embedded.backward([gradient]);
        }
    }

    private static Tensor TakeGradient(Tensor input)
    {
        Tensor gradient = input.grad!;
        input.Dispose();
        return gradient;
    }

    /// <summary>The last kept input is that of the final norm; only the norm is on the tape.</summary>
    private Tensor KeepInputs()
    {
        using (no_grad())
        {
            Tensor x_BTd = _model.Embed(_ids_BT);
            for (int layer = 0; layer < _model.Layers.Count; layer++)
            {
                _inputs.Add(x_BTd);
                x_BTd = _model.LayerForward(layer, x_BTd, _context!);
            }

            _inputs.Add(x_BTd);
        }

        return _model.FinalNorm(_inputs[^1].requires_grad_());
    }
}
