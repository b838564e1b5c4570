using Halo.Models;

namespace Halo.Conversion.Measurement;

/// <summary>
/// Floating-point operations a token, a multiplication and an addition counting two. A matrix of N numbers takes 2 N forwards and 4 N backwards (the embedding none,
/// the head like any other); causal softmax attention 2 T H D forwards (half of the square), Lightning attention 4 H D^2 (adding to the state and reading it), backwards
/// twice as much. Work done twice because of recomputation is not counted.
/// </summary>
internal static class TrainingCosts
{
    /// <summary>A forward pass of a token in rows of <paramref name="length"/>, head included.</summary>
    public static double Forward(ModelConfiguration model, int length) => (2.0 * Matrices(model, _ => true)) + Mixing(model, length) + (2.0 * model.VocabSize * model.HiddenSize);

    /// <summary>A token of a stage: pretrain, 1, 2 or 3.</summary>
    public static double OfStage(string stage, TrainingShape shape, int length)
    {
        double teacher = Forward(shape.Teacher, length);
        if (stage == "1")
        {
            // No head; the inputs of the mixers get no gradients, so of the projections that read them only the weights do.
            ModelConfiguration all = shape.Student with { MixerTypes = [.. Enumerable.Repeat(MixerType.Lightning, shape.Student.NumHiddenLayers)] };
            double mixers = Matrices(all, name => name.Contains(".self_attn.", StringComparison.Ordinal)), outputs = Matrices(all, name => name.Contains(".o_proj.", StringComparison.Ordinal));
            return teacher - (2.0 * shape.Teacher.VocabSize * shape.Teacher.HiddenSize) + (4 * mixers) + (2 * outputs) + (3 * Mixing(all, length));
        }

        return stage switch
        {
            "pretrain" => 3 * teacher,
            "2" => teacher + (3 * Forward(shape.Student, length)),
            _ => 3 * Forward(shape.Student, length),
        };
    }

    private static double Matrices(ModelConfiguration model, Func<string, bool> wanted) =>
        CausalLm.Shapes(model).Where(entry => entry.Value.Length == 2 && entry.Key.Contains(".layers.", StringComparison.Ordinal) && wanted(entry.Key)).Sum(entry => (double)entry.Value[0] * entry.Value[1]);

    private static double Mixing(ModelConfiguration model, int length)
    {
        double attention = 2.0 * length * model.NumAttentionHeads * model.HeadDim, lightning = 4.0 * model.LightningNh * model.LightningHeadDim * model.LightningHeadDim;
        return model.MixerTypes.Sum(mixer => mixer == MixerType.Lightning ? lightning : attention);
    }
}
