using System.Globalization;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Models;

/// <summary>Static scaling of rotary frequencies, the keys of <c>rope_scaling</c>.</summary>
/// <param name="Factor">How many times longer than the original length; taken as stated.</param>
/// <param name="OriginalLength"><c>original_max_position_embeddings</c>, tokens; 0 where the kind does not use it.</param>
public sealed record RopeScaling(double Factor, int OriginalLength)
{
    /// <summary>Kind.</summary>
    public RopeScalingKind Kind { get; init; } = RopeScalingKind.Yarn;

    /// <summary>YaRN: rotations over the original length above which a frequency is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: rotations over the original length below which a frequency is divided.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN: factor of cos and sin; null for <c>0.1 ln(factor) + 1</c>.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>Llama 3: wavelengths above the original length over this are divided.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths below the original length over this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>Whether the model was trained with it, so that RNN layers made of its attention layers need it too; YaRN only stretches a trained model.</summary>
    public bool IsTrained => Kind != RopeScalingKind.Yarn;

    /// <summary>What cos and sin are multiplied by.</summary>
    public double Amplitude => Kind == RopeScalingKind.Yarn ? AttentionFactor ?? ((0.1 * Math.Log(Factor)) + 1) : 1;

    /// <summary>Reads a rope_scaling or rope_parameters object; null for none and for the type default.</summary>
    /// <param name="node">The value.</param>
    /// <param name="where">File and key, for errors.</param>
    /// <param name="maximumLength"><c>max_position_embeddings</c>, for files that leave out the original length.</param>
    /// <exception cref="HaloException">A kind that Halo does not compute, or an impossible value.</exception>
    public static RopeScaling? Parse(JsonNode? node, string where, int maximumLength)
    {
        if (node is null)
        {
            return null;
        }

        JsonObject json = node as JsonObject ?? throw new HaloException("the value is no object", where, "give null or a rope_scaling object");
        string kind = (json["rope_type"] ?? json["type"])?.ToString() ?? "default";
        double Read(string key, double? fallback) =>
            json[key] is null && fallback is { } value ? value
            : json[key] is JsonValue number && double.TryParse(number.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double read) && double.IsFinite(read) && read > 0 ? read
            : throw new HaloException($"{key} is {json[key]?.ToJsonString() ?? "missing"}", where, "give a number above 0");
        if (kind == "default")
        {
            return null;
        }

        var scaling = new RopeScaling(Read("factor", null), 0);
        if (scaling.Factor < 1)
        {
            throw new HaloException($"factor is {scaling.Factor}", where, "give 1 or more");
        }

        int original = (int)Math.Min(int.MaxValue, Read("original_max_position_embeddings", maximumLength));
        switch (kind)
        {
            case "linear":
                return scaling with { Kind = RopeScalingKind.Linear };
            case "llama3":
                scaling = scaling with
                {
                    Kind = RopeScalingKind.Llama3, OriginalLength = original, LowFrequencyFactor = Read("low_freq_factor", null), HighFrequencyFactor = Read("high_freq_factor", null),
                };
                return scaling.HighFrequencyFactor > scaling.LowFrequencyFactor ? scaling : throw new HaloException("high_freq_factor is not above low_freq_factor", where, "mend the file");
            case "yarn" when json["mscale"] is null && json["mscale_all_dim"] is null && json["truncate"]?.ToString() is null or "true":
                return scaling with
                {
                    OriginalLength = original, BetaFast = Read("beta_fast", 32), BetaSlow = Read("beta_slow", 1), AttentionFactor = json["attention_factor"] is null ? null : Read("attention_factor", null),
                };
            default:
                throw new HaloException($"rope_type '{kind}'{(kind == "yarn" ? " with mscale or without truncation" : "")} is not supported", where, "Halo computes default, linear, llama3 and plain yarn");
        }
    }

    /// <summary>inv_freq scaled.</summary>
    /// <param name="frequencies">theta^(-2i/D), i = 0..D/2-1.</param>
    /// <param name="theta">Base.</param>
    internal IEnumerable<float> Apply(IReadOnlyList<float> frequencies, double theta) => Kind switch
    {
        RopeScalingKind.Linear => frequencies.Select(frequency => frequency / (float)Factor),
        RopeScalingKind.Llama3 => frequencies.Select(Llama3),
        _ => Yarn(frequencies, theta),
    };

    /// <summary>The object of a Hugging Face config.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["rope_type"] = Kind.ToString().ToLowerInvariant(), ["factor"] = Factor };
        if (Kind != RopeScalingKind.Linear)
        {
            json["original_max_position_embeddings"] = OriginalLength;
        }

        if (Kind == RopeScalingKind.Llama3)
        {
            json["low_freq_factor"] = LowFrequencyFactor;
            json["high_freq_factor"] = HighFrequencyFactor;
        }
        else if (Kind == RopeScalingKind.Yarn)
        {
            AddUnlessUsual(json, "beta_fast", BetaFast, 32);
            AddUnlessUsual(json, "beta_slow", BetaSlow, 1);
            AddUnlessUsual(json, "attention_factor", AttentionFactor, null);
        }

        return json;
    }

    private static void AddUnlessUsual(JsonObject json, string key, double? value, double? usual)
    {
        if (value != usual)
        {
            json[key] = value;
        }
    }

    // In float32, as the models' own code computes it.
    private float Llama3(float frequency)
    {
        (float factor, float low, float high) = ((float)Factor, (float)LowFrequencyFactor, (float)HighFrequencyFactor);
        float wavelength = (float)(2 * Math.PI) / frequency;
        if (wavelength < OriginalLength / HighFrequencyFactor)
        {
            return frequency;
        }

        if (wavelength > OriginalLength / LowFrequencyFactor)
        {
            return frequency / factor;
        }

        float smooth = ((OriginalLength / wavelength) - low) / (high - low);
        return ((1 - smooth) * frequency / factor) + (smooth * frequency);
    }

    // corr(r) = D ln(L0 / (2 pi r)) / (2 ln theta); a ramp from corr(beta_fast) to corr(beta_slow) mixes inv_freq with inv_freq / s.
    private IEnumerable<float> Yarn(IReadOnlyList<float> frequencies, double theta)
    {
        int headDim = 2 * frequencies.Count;
        double Correction(double rotations) => headDim * Math.Log(OriginalLength / (2 * Math.PI * rotations)) / (2 * Math.Log(theta));
        double low = Math.Clamp(Math.Floor(Correction(BetaFast)), 0, headDim - 1);
        double high = Math.Clamp(Math.Ceiling(Correction(BetaSlow)), 0, headDim - 1);
        high = high == low ? low + 0.001 : high; // The ramp must not divide by zero.
        for (int i = 0; i < frequencies.Count; i++)
        {
            double ramp = Math.Clamp((i - low) / (high - low), 0, 1);
            yield return (float)((frequencies[i] * (1 - ramp)) + (ramp == 0 ? 0 : frequencies[i] / Factor * ramp));
        }
    }
}
