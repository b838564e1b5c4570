using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Chooses the next id of each row from its logits, on the device where these lie; each row has options of its own.</summary>
internal static class Sampler
{
    /// <summary>Next ids, (B) int64, on the logits' device. The order of the steps: temperature, top k, top p, min p, draw by the inverse of the distribution.</summary>
    /// <param name="logits_BV">float32.</param>
    /// <param name="options">Of each row: temperature, top k, top p, min p.</param>
    /// <param name="draws">Of each row a number in [0, 1); not looked at where the temperature is 0.</param>
    public static Tensor Choose(Tensor logits_BV, IReadOnlyList<GenerationOptions> options, IReadOnlyList<double> draws)
    {
        if (options.All(one => one.Temperature == 0))
        {
            return logits_BV.argmax(-1);
        }

        using DisposeScope scope = NewDisposeScope();
        int vocabulary = (int)logits_BV.shape[1];
        Tensor Column(Func<GenerationOptions, double> value) => HostIds.ToDevice([.. options.Select(value)], logits_BV.device).unsqueeze(1);
        int Kept(GenerationOptions one) => one.TopK is > 0 and var k && k < vocabulary ? k : vocabulary;
        int width = options.Max(one => one.Temperature == 0 ? 1 : Kept(one));

        // The likeliest first; all of them are sorted only where all are wanted.
        (Tensor sorted_BK, Tensor order_BK) = width < vocabulary / 2 ? logits_BV.topk(width, -1, largest: true, sorted: true) : logits_BV.sort(-1, descending: true);
        Tensor scaled_BK = sorted_BK.to_type(ScalarType.Float64) / Column(one => one.Temperature == 0 ? 1 : one.Temperature);
        if (options.Any(one => Kept(one) < sorted_BK.shape[1]))
        {
            Tensor place_1K = arange(sorted_BK.shape[1], ScalarType.Float64, logits_BV.device).unsqueeze(0);
            scaled_BK = scaled_BK.masked_fill(place_1K >= Column(one => Kept(one)), double.NegativeInfinity);
        }

        Tensor p_BK = scaled_BK.softmax(-1);
        if (options.Any(one => one.TopP < 1))
        {
            p_BK = p_BK.masked_fill(p_BK.cumsum(-1) - p_BK >= Column(one => one.TopP), 0); // The first always stays.
        }

        if (options.Any(one => one.MinP > 0))
        {
            p_BK = p_BK.masked_fill(p_BK < Column(one => one.MinP) * p_BK.narrow(1, 0, 1), 0);
        }

        Tensor sum_BK = p_BK.cumsum(-1);
        Tensor u_B1 = HostIds.ToDevice([.. draws], logits_BV.device).unsqueeze(1) * sum_BK.narrow(1, sum_BK.shape[1] - 1, 1);
        Tensor kept_B1 = (p_BK > 0).sum(-1, keepdim: true);
        Tensor place_B1 = (sum_BK <= u_B1).sum(-1, keepdim: true).minimum(kept_B1 - 1);
        Tensor ids_B = order_BK.gather(1, place_B1).squeeze(1);
        if (options.Any(one => one.Temperature == 0))
        {
            ids_B = logits_BV.argmax(-1).where(Column(one => one.Temperature).squeeze(1) == 0, ids_B);
        }

        return ids_B.MoveToOuterDisposeScope();
    }

    /// <summary>Uniform in [0, 1), a function of its arguments alone (SplitMix64's mixing, three rounds).</summary>
    public static double Uniform(long seed, long row, int step)
    {
        ulong mixed = Mix(Mix(Mix((ulong)seed) ^ (ulong)row) ^ (uint)step);
        return (mixed >> 11) * (1.0 / (1L << 53));
    }

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
