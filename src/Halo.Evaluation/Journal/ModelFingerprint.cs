using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Evaluation;

/// <summary>
/// Tells models apart whose scores may differ, be it in the last bit: unlike <see cref="Halo.Inference.ModelIdentity"/>, which is the same in float32 and bfloat16 and on any device.
/// Journals of stopped evaluations hold it: which values count stays as it is.
/// </summary>
internal static class ModelFingerprint
{
    private const int Sampled = 64;

    /// <summary>A hash of the configuration, the types, the device's kind and some values of every weight.</summary>
    public static string Of(CausalLm model)
    {
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{model.Configuration.ToJson().ToJsonString(HaloJson.Line)} {model.LogitsScaling} {model.ComputeType}{(model.CacheFormat == CacheFormat.Full ? "" : $" cache {model.CacheFormat}")} {model.Device.type}"));
        foreach (Parameter parameter in model.Parameters)
        {
            Tensor flat = (parameter.Quantized?.Dense(ScalarType.Float32) ?? parameter.Value).detach().reshape(-1);
            long step = Math.Max(1, flat.NumberOfElements / Sampled);
            float[] values = flat.slice(0, 0, flat.NumberOfElements, step).to_type(ScalarType.Float32).cpu().data<float>().ToArray();
            hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }
}
