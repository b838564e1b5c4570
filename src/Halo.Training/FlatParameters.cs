using Halo.Kernels;
using Halo.Models;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// All trained weights in one flat float32 buffer and their gradients in another. The parameters' values become views of the first, their gradients
/// views of the second, which autograd adds to in place; so zeroing, clipping and the update are a handful of calls however many weights there are
/// (on a GPU the calls of a small model cost more than its arithmetic). Where products are bfloat16, matrices are also kept in bfloat16 in a third buffer:
/// the model multiplies with these, and no weight is cast in a pass. Their gradients arrive in bfloat16 in a fourth buffer; or, where an update has several
/// micro-batches, are added to the float32 sum one by one as autograd has them, and freed.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    /// <summary>Every weight starts at a multiple of 256 bytes, so that vector instructions and matrix libraries see the alignment of a tensor of its own.</summary>
    private const long Alignment = 64;

    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly List<Tensor> _sums = [];
    private bool _released;

    /// <summary>Moves the values of <paramref name="trained"/> into a flat buffer (as float32) and makes the parameters leaves that require gradients.</summary>
    /// <param name="trained">The weights, each once, all on one device.</param>
    /// <param name="half">Keep matrices in bfloat16 too.</param>
    /// <param name="accumulates">Whether gradients of several micro-batches are summed; if not, no float32 gradients of matrices that are kept in bfloat16 are held.</param>
    /// <exception cref="ArgumentException">There are no weights, a weight is given twice, or they lie on several devices.</exception>
    public FlatParameters(IReadOnlyList<Parameter> trained, bool half = false, bool accumulates = true)
    {
        if (trained.Count == 0)
        {
            throw new ArgumentException("there is nothing to train", nameof(trained));
        }

        if (trained.Select(parameter => parameter.Name).Distinct().Count() != trained.Count)
        {
            throw new ArgumentException("a weight is given twice", nameof(trained));
        }

        Device device = trained[0].Value.device;
        if (trained.Any(parameter => parameter.Value.device.ToString() != device.ToString()))
        {
            throw new ArgumentException("the weights lie on several devices", nameof(trained));
        }

        // Matrices first: weight decay is then one operation on the head of the buffer.
        _parameters = [.. trained.Where(IsMatrix), .. trained.Where(parameter => !IsMatrix(parameter))];
        var segments = new List<FlatSegment>();
        long offset = 0;
        foreach (Parameter parameter in _parameters)
        {
            bool decayed = IsMatrix(parameter);
            segments.Add(new FlatSegment(parameter.Name, parameter.Value.shape, offset, parameter.Value.numel(), decayed));
            offset += (parameter.Value.numel() + Alignment - 1) / Alignment * Alignment;
            DecayedLength = decayed ? offset : DecayedLength;
        }

        Segments = segments;
        Master = zeros(offset, ScalarType.Float32, device).DetachFromDisposeScope();
        if (half && DecayedLength > 0)
        {
            Half = zeros(DecayedLength, ScalarType.BFloat16, device).DetachFromDisposeScope();
            if (!accumulates)
            {
                HalfGradient = zeros(DecayedLength, ScalarType.BFloat16, device).DetachFromDisposeScope();
                GradientStart = DecayedLength;
            }
        }

        Gradient = zeros(offset - GradientStart, ScalarType.Float32, device).DetachFromDisposeScope();
        MoveIn();
    }

    /// <summary>The same, and frees what held the weights before.</summary>
    /// <inheritdoc cref="FlatParameters(IReadOnlyList{Parameter}, bool, bool)"/>
    public static FlatParameters Take(IReadOnlyList<Parameter> trained, bool half, bool accumulates)
    {
        var flat = new FlatParameters(trained, half, accumulates);

        // The tensors that held the weights may be shared with another model, so they are not disposed; what nobody else holds goes now (the constructor's frame
        // might hold some), back to the device: libtorch would keep it in pieces of the size of a weight, which are too small for most that a step makes.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        DeviceMemory.ReleaseUnused(flat.Master.device);
        return flat;
    }

    /// <summary>Where each weight lies.</summary>
    public IReadOnlyList<FlatSegment> Segments { get; }

    /// <summary>The weights, float32, flat; gaps between them are 0.</summary>
    public Tensor Master { get; }

    /// <summary>The matrices in bfloat16, flat, as in the first <see cref="DecayedLength"/> elements of <see cref="Master"/>; null where they are not kept.</summary>
    public Tensor? Half { get; }

    /// <summary>The gradients with respect to <see cref="Half"/>; null where that is, and where several micro-batches are summed in <see cref="Gradient"/>.</summary>
    public Tensor? HalfGradient { get; }

    /// <summary>Place in <see cref="Master"/> that the first element of <see cref="Gradient"/> belongs to: 0, or what lies behind the matrices.</summary>
    public long GradientStart { get; }

    /// <summary>The gradients, float32, flat; gaps are 0.</summary>
    public Tensor Gradient { get; }

    /// <summary>Elements at the head of the buffers that weight decay acts on.</summary>
    public long DecayedLength { get; }

    /// <summary>Number of trained numbers, without the gaps.</summary>
    public long Count => Segments.Sum(segment => segment.Count);

    /// <summary>The part of a flat buffer that belongs to a weight, in its shape; a view, owned by the caller.</summary>
    public static Tensor View(Tensor flat, FlatSegment segment)
    {
        using Tensor part = flat.narrow(0, segment.Offset, segment.Count);
        return part.view(segment.Shape);
    }

    /// <summary>Name of the first weight that holds a NaN or an infinity; null: none does.</summary>
    public string? NotFinite()
    {
        using IDisposable noGradient = no_grad();
        foreach (FlatSegment segment in Segments)
        {
            using DisposeScope scope = NewDisposeScope();
            if (!View(Master, segment).isfinite().all().item<bool>())
            {
                return segment.Name;
            }
        }

        return null;
    }

    /// <summary>Sets all gradients to 0.</summary>
    public void ZeroGradient()
    {
        using IDisposable noGradient = no_grad();
        Gradient.zero_();
        HalfGradient?.zero_();
    }

    /// <summary>Euclidean norm of all gradients together, float32, 0-dimensional.</summary>
    public Tensor GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor norm = linalg.vector_norm(Gradient);
        if (GradientStart > 0)
        {
            norm = linalg.vector_norm(stack([norm, WideNorm.Of(HalfGradient!)]));
        }

        return norm.MoveToOuterDisposeScope();
    }

    /// <summary>The gradient of a part of the master weights in the type that it is held in; a view.</summary>
    public Tensor GradientOf(long start, long count) => start >= GradientStart ? Gradient.narrow(0, start - GradientStart, count) : HalfGradient!.narrow(0, start, count);

    /// <summary>Rounds the master weights to bfloat16 again, after they were changed.</summary>
    public void Refresh()
    {
        if (Half is not null)
        {
            using IDisposable noGradient = no_grad();
            using Tensor matrices = Master.narrow(0, 0, DecayedLength);
            Half.copy_(matrices);
        }
    }

    /// <summary>Makes the parameters plain float32 tensors without gradients (still views of one buffer) and frees the gradients.</summary>
    public void Dispose()
    {
        if (_released)
        {
            return;
        }

        _released = true;
        for (int i = 0; i < _parameters.Count; i++)
        {
            (Tensor value, Tensor? working) = (_parameters[i].Value, _parameters[i].Working);
            _parameters[i].Value = View(Master, Segments[i]).DetachFromDisposeScope();
            value.Dispose();
            working?.Dispose();
        }

        _sums.ForEach(sum => sum.Dispose());

        Half?.Dispose();
        HalfGradient?.Dispose();
        Gradient.Dispose();
        Master.Dispose();
    }

    private static bool IsMatrix(Parameter parameter) => parameter.Value.dim() >= 2;

    private static Tensor Leaf(Tensor view, Tensor gradient)
    {
        Tensor leaf = view.detach();
        leaf.requires_grad_();
        leaf.grad = gradient;
        return leaf.DetachFromDisposeScope();
    }

    /// <summary>
    /// The bfloat16 copy of a matrix as the output of a node whose backward pass adds the gradient to the float32 sum; no gradient in bfloat16 outlives that.
    /// The node saves nothing, so any number of graphs may end in it.
    /// </summary>
    private Tensor Summed(int index)
    {
        Tensor half = View(Half!, Segments[index]), sum = View(Gradient, Segments[index]).DetachFromDisposeScope();
        _sums.Add(sum);
        using IDisposable gradient = enable_grad();
        Tensor input = half.detach().requires_grad_();
        return Differentiable.Attach(half.detach(), [input], [], (_, gradients) =>
        {
            if (gradients[0] is { } given)
            {
                sum.add_(given);
            }

            return [null];
        }).DetachFromDisposeScope();
    }

    private void MoveIn()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < _parameters.Count; i++)
        {
            Tensor view = View(Master, Segments[i]);
            view.copy_(_parameters[i].Value);
            if (Half is not null && Segments[i].Decayed)
            {
                _parameters[i].Value = view.detach().DetachFromDisposeScope();
                _parameters[i].Working = HalfGradient is null ? Summed(i) : Leaf(View(Half, Segments[i]), View(HalfGradient, Segments[i]));
                _parameters[i].WorkingGradient = HalfGradient is null ? _sums[^1] : null;
            }
            else
            {
                FlatSegment place = Segments[i] with { Offset = Segments[i].Offset - GradientStart };
                _parameters[i].Value = Leaf(view, View(Gradient, place));
            }
        }

        Refresh();
    }
}
