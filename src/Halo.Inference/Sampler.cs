using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>Chooses the next id of each row from its logits.</summary>
internal static class Sampler
{
    /// <summary>Next ids, (B) int64, on the logits' device.</summary>
    /// <param name="logits_BV">float32.</param>
    /// <param name="options">Temperature, top p and seed.</param>
    /// <param name="rows">Number of each row among the prompts (without <see cref="GenerationOptions.FirstRow"/>).</param>
    /// <param name="step">How many ids were written before.</param>
    public static Tensor Choose(Tensor logits_BV, GenerationOptions options, IReadOnlyList<int> rows, int step)
    {
        if (options.Temperature == 0)
        {
            return logits_BV.argmax(-1);
        }

        using DisposeScope scope = NewDisposeScope();
        (Tensor sorted_BV, Tensor order_BV) = logits_BV.sort(-1, descending: true);
        Tensor p_BV = (sorted_BV / options.Temperature).softmax(-1, ScalarType.Float64);
        Tensor before_BV = p_BV.cumsum(-1) - p_BV;
        p_BV = p_BV.masked_fill(before_BV >= options.TopP, 0); // The first always stays.
        Tensor sum_BV = p_BV.cumsum(-1);
        double[] draws = [.. rows.Select(row => Uniform(options.Seed, options.FirstRow + row, step))];
        Tensor u_B1 = tensor(draws, ScalarType.Float64).to(logits_BV.device).unsqueeze(1) * sum_BV.narrow(1, sum_BV.shape[1] - 1, 1);
        Tensor kept_B1 = (p_BV > 0).sum(-1, keepdim: true);
        Tensor place_B1 = (sum_BV <= u_B1).sum(-1, keepdim: true).minimum(kept_B1 - 1);
        return order_BV.gather(1, place_B1).squeeze(1).MoveToOuterDisposeScope();
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
