using Halo.Conversion.Recipes;
using Halo.Models;

namespace Halo.Conversion;

/// <summary>M(i): the teacher with only layer i replaced by its stage-1 RNN layer.</summary>
internal static class ReplacedLayer
{
    /// <summary>A model that shares the tensors of both; it must not be disposed.</summary>
    public static CausalLm Compose(CausalLm teacher, CausalLm aligned, StudentSpecification student, int layer)
    {
        var tensors = teacher.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        foreach (Parameter parameter in aligned.Layers[layer].Mixer.Parameters)
        {
            tensors[parameter.Name] = parameter.Value;
        }

        return CausalLm.Of(WeightTransfer.Replaced(teacher.Configuration, student, layer), teacher.Device, teacher.ComputeType, (name, _) => tensors[name]);
    }
}
