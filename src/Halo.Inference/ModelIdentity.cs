using System.Security.Cryptography;
using System.Text;
using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>
/// A name for a model that tells it from others, so that what one has read is not handed to another. Saved snapshots hold it: which values count, and their rounding, stay as they are.
/// </summary>
public static class ModelIdentity
{
    private const int Samples = 64;

    /// <summary>A hash of the configuration and of values from every weight, rounded to bfloat16: the same for a model loaded in float32 and in bfloat16.</summary>
    /// <param name="model">
    /// The model. Where its matrices were rounded to few bits (<see cref="CausalLm.Quantize"/>) the rounded values count. <see cref="CpuRunner"/> rounds in a way of its own, to other values
    /// (a scale for 32 neighbours in 8 bits too), while it packs; what it gives is the name of the model that it was given.
    /// </param>
    public static string Of(CausalLm model)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Of(model.Configuration, model.Parameters.Select(weight =>
        {
            using DisposeScope inner = NewDisposeScope();
            return Sample(weight.Quantized?.Dense(ScalarType.Float32) ?? weight.Value).MoveToOuterDisposeScope();
        }));
    }

    /// <summary>The same of values that were taken before, in the order of the model's parameters.</summary>
    internal static string Of(ModelConfiguration configuration, IEnumerable<Tensor> samples)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor all = cat([.. samples]).cpu();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes((configuration with { AttnLogitsScaling = null, Extra = [] }).ToJson().ToJsonString(HaloJson.Line)));
        hash.AppendData(all.bytes);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The values of a weight that count.</summary>
    internal static Tensor Sample(Tensor weight)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = weight.detach().reshape(-1);
        long count = Math.Min(Samples, flat.shape[0]);
        Tensor places = (arange(count, ScalarType.Int64, flat.device) * (flat.shape[0] / count)) + (flat.shape[0] / count / 2);
        return flat.index_select(0, places).to_type(ScalarType.BFloat16).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
