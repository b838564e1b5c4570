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
        get => _value ?? throw new InvalidOperationException(Quantized is null ? $"{Name} has no value" : $"{Name} is quantized");
        set
        {
            if (!value.shape.SequenceEqual(Shape))
            {
                throw new ArgumentException($"{Name} has the shape ({string.Join(", ", Shape)}), the value ({string.Join(", ", value.shape)})", nameof(value));
            }

            _value = value;
            Working = null;
            WorkingGradient = null;
            Quantized = null;
        }
    }

    /// <summary>The value in the type of products, through which gradients go, while a trainer keeps one; null for none. Setting <see cref="Value"/> takes it away.</summary>
    internal Tensor? Working { get; set; }

    /// <summary>Where a trainer sums gradients of <see cref="Working"/> itself, float32; null: autograd does, in the gradient of <see cref="Trained"/>.</summary>
    internal Tensor? WorkingGradient { get; set; }

    /// <summary>The tensor that a trainer differentiates by.</summary>
    internal Tensor Trained => Working ?? Value;

    /// <summary>The value in few bits, which then takes the place of <see cref="Value"/>; null for none.</summary>
    public QuantizedWeight? Quantized { get; private set; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Quantized?.Bytes ?? (HasValue ? Value.NumberOfElements * Value.element_size() : 0);

    /// <summary>Whether a value was set.</summary>
    public bool HasValue => _value is not null;

    /// <summary>The value in another type: itself where it has the type already, else a cast through which gradients flow back in the parameter's type.</summary>
    public Tensor As(ScalarType type)
    {
        if (Quantized is not null)
        {
            return Quantized.Dense(type);
        }

        Tensor value = Working is { } working && working.dtype == type ? working : Value;
        return value.dtype == type ? value : value.to_type(type);
    }

    /// <summary>x W^T + b in the type of the input, (..., inputs) to (..., outputs).</summary>
    /// <param name="x">The input.</param>
    /// <param name="bias">b, (outputs), or null.</param>
    public Tensor Multiply(Tensor x, Parameter? bias = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? b = bias?.As(x.dtype);
        Tensor y = Quantized is null ? nn.functional.linear(x, As(x.dtype), b) : b is null ? Quantized.Multiply(x) : Quantized.Multiply(x) + b;
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>Adds x W^T + b to a contiguous tensor, within the product. No gradients are formed.</summary>
    /// <param name="sum">(..., outputs), of the type of the input.</param>
    /// <param name="x">(..., inputs).</param>
    /// <param name="bias">b, (outputs), or null.</param>
    internal void MultiplyInto(Tensor sum, Tensor x, Parameter? bias)
    {
        using DisposeScope scope = NewDisposeScope();
        sum.view(-1, Shape[0]).addmm_(x.reshape(-1, Shape[1]), As(x.dtype).t());
        if (bias is not null)
        {
            sum.add_(bias.As(x.dtype));
        }
    }

    /// <summary>Rows of a matrix, (N) to (N, inputs), in a type.</summary>
    internal Tensor Rows(Tensor rows_N, ScalarType type)
    {
        if (Quantized is not null)
        {
            return Quantized.Rows(rows_N, type);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor source = Working is { } working && working.dtype == type ? working : Value;
        Tensor rows = ReferenceEquals(source, Working) && Fused.HasEmbedding ? Fused.Embedding(source, rows_N) : source.index_select(0, rows_N);
        return (rows.dtype == type ? rows : rows.to_type(type)).MoveToOuterDisposeScope();
    }

    /// <summary>Rounds the value to few bits and frees it.</summary>
    internal void Quantize(WeightFormat format)
    {
        Quantized = QuantizedWeight.Of(Value, format);
        _value!.Dispose();
        _value = null;
    }

    /// <summary>Frees whatever is held.</summary>
    internal void Free()
    {
        _value?.Dispose();
        Quantized?.Dispose();
    }
}
