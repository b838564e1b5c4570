using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models;

/// <summary>
/// A named weight. Blocks hold parameters and never raw tensors, so that a trainer may put another tensor in the place of the value
/// (a view of its flat master buffer, for example).
/// </summary>
/// <param name="name">Hugging Face name, for example <c>model.layers.0.self_attn.q_proj.weight</c>.</param>
/// <param name="shape">Its shape.</param>
public sealed class Parameter(string name, params long[] shape)
{
    private Tensor? _value;

    /// <summary>Hugging Face name.</summary>
    public string Name { get; } = name;

    /// <summary>Shape; a linear map is (outputs, inputs).</summary>
    public IReadOnlyList<long> Shape { get; } = shape;

    /// <summary>Number of elements.</summary>
    public long Count { get; } = shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>
    /// The tensor, of <see cref="Shape"/>. Setting it does not dispose the tensor before it.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has no value yet.</exception>
    /// <exception cref="ArgumentException">The tensor has another shape.</exception>
    public Tensor Value
    {
        get => _value ?? throw new InvalidOperationException($"{Name} has no value");
        set
        {
            if (!value.shape.SequenceEqual(Shape))
            {
                throw new ArgumentException($"{Name} has the shape ({string.Join(", ", Shape)}), the value ({string.Join(", ", value.shape)})", nameof(value));
            }

            _value = value;
        }
    }

    /// <summary>Whether a value was set.</summary>
    public bool HasValue => _value is not null;

    /// <summary>The value in another type: itself where it has the type already, else a cast through which gradients flow back in the parameter's type.</summary>
    public Tensor As(ScalarType type)
    {
        Tensor value = Value;
        return value.dtype == type ? value : value.to_type(type);
    }
}
