using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Conversion;

/// <summary>
/// Makes the student out of the teacher (HALO, weight transfer): Wq, Wo and QK-norm copied, rows of Wk and Wv repeated so that RNN head i starts from
/// key/value head floor(i Hkv / H), biases with their weights, new QK-norms 1 (a teacher without them keeps its attention layers without), new gates small and random, output norms 1; everything else as in the teacher.
/// </summary>
public static class WeightTransfer
{
    /// <summary>Configuration of the student.</summary>
    /// <param name="teacher">The teacher's.</param>
    /// <param name="student">What the student looks like.</param>
    /// <param name="attentionLayers">Layers that stay attention.</param>
    public static ModelConfiguration Configuration(ModelConfiguration teacher, StudentSpecification student, IReadOnlyCollection<int> attentionLayers)
    {
        ArgumentNullException.ThrowIfNull(attentionLayers);
        return Hybrid(teacher, student, attentionLayers) with
        {
            AttnUseRope = false,
            AttnUseOutputGate = student.AttnUseOutputGate,
        };
    }

    /// <summary>Configuration of M(i): the teacher, RoPE and all, with one layer replaced.</summary>
    public static ModelConfiguration Replaced(ModelConfiguration teacher, StudentSpecification student, int layer) =>
        Hybrid(teacher, student, [.. Enumerable.Range(0, teacher.NumHiddenLayers).Where(other => other != layer)]) with { AttnUseRope = true, AttnUseOutputGate = false };

    /// <summary>The student before any training, float32, on the teacher's device.</summary>
    /// <param name="teacher">The teacher; not changed.</param>
    /// <param name="configuration">The student's configuration.</param>
    /// <param name="student">What the student looks like.</param>
    /// <param name="computeType">Type of products.</param>
    public static CausalLm Transfer(CausalLm teacher, ModelConfiguration configuration, StudentSpecification student, ScalarType computeType)
    {
        Dictionary<string, Tensor> source = teacher.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        using IDisposable constant = no_grad();
        using var random = new Generator((ulong)student.Seed);
        return CausalLm.Of(configuration, teacher.Device, computeType, (name, shape) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor value = Value(name, [.. shape], source, configuration, student, random, teacher.Device);
            if (!value.shape.SequenceEqual(shape))
            {
                throw new HaloException($"'{name}' is ({string.Join(", ", value.shape)}) in the teacher, the student needs ({string.Join(", ", shape)})", "weight transfer", "use a student of the teacher's shape");
            }

            return value.to(ScalarType.Float32, teacher.Device, copy: true).DetachFromDisposeScope();
        });
    }

    private static ModelConfiguration Hybrid(ModelConfiguration teacher, StudentSpecification student, IReadOnlyCollection<int> attentionLayers) => teacher with
    {
        ModelType = "hypenet",
        MixerTypes = [.. Enumerable.Range(0, teacher.NumHiddenLayers).Select(layer => attentionLayers.Contains(layer) ? MixerType.Attention : MixerType.Lightning)],
        AttnLogitsScaling = null,
        ExpandKvProj = student.ExpandKvProj,
        LightningNh = teacher.NumAttentionHeads,
        LightningNkv = student.ExpandKvProj ? teacher.NumAttentionHeads : teacher.NumKeyValueHeads,
        LightningHeadDim = teacher.HeadDim,
        LightningScale = student.LightningScale,
        LightningUseQkNorm = student.LightningUseQkNorm,
        LightningUseRope = student.LightningUseRope,
        LightningRopeScaling = teacher.RopeScaling is { IsTrained: true } scaling ? scaling : null,
        LightningUseOutputNorm = student.LightningUseOutputNorm,
        LightningUseOutputGate = student.LightningUseOutputGate,
    };

    private static Tensor Value(string name, long[] shape, Dictionary<string, Tensor> source, ModelConfiguration configuration, StudentSpecification student, Generator random, Device device)
    {
        if (name.EndsWith(".o_gate.weight", StringComparison.Ordinal) || name.EndsWith(".z_proj.weight", StringComparison.Ordinal))
        {
            return empty(shape, ScalarType.Float32).normal_(0, student.GateDeviation, random).to(device);
        }

        if (!source.TryGetValue(name, out Tensor? value))
        {
            return shape.Length == 1 && name.EndsWith("norm.weight", StringComparison.Ordinal)
                ? ones(shape, ScalarType.Float32, device)
                : throw new HaloException($"the teacher has no '{name}'", "weight transfer", "use a Llama, Qwen2 or Qwen3 teacher");
        }

        MixerType? mixer = name.Contains(".self_attn.", StringComparison.Ordinal) ? configuration.MixerTypes[Layer(name)] : null;
        if (mixer == MixerType.Lightning && configuration.LightningNkv != configuration.NumKeyValueHeads && IsKeyOrValue(name))
        {
            return value.view(configuration.NumKeyValueHeads, configuration.HeadDim, -1)
                .repeat_interleave(configuration.LightningNkv / configuration.NumKeyValueHeads, 0).reshape(shape);
        }

        bool gated = mixer == MixerType.Lightning ? configuration.LightningUseOutputGate : configuration.AttnUseOutputGate;
        return student.CompensateGate && mixer is not null && gated && name.EndsWith(".o_proj.weight", StringComparison.Ordinal) ? value * 2 : value;
    }

    private static bool IsKeyOrValue(string name) => name.Contains(".k_proj.", StringComparison.Ordinal) || name.Contains(".v_proj.", StringComparison.Ordinal);

    private static int Layer(string name) => int.Parse(name.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture);
}
