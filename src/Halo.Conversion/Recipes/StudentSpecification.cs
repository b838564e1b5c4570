namespace Halo.Conversion.Recipes;

/// <summary>What the student looks like beside the teacher's shape.</summary>
public sealed record StudentSpecification
{
    /// <summary>Sigmoid output gate in attention layers.</summary>
    public bool AttnUseOutputGate { get; init; } = true;

    /// <summary>GQA to MHA: each RNN head gets a key/value head of its own, a copy of the teacher's at first.</summary>
    public bool ExpandKvProj { get; init; } = true;

    /// <summary><c>1/sqrt(d)</c>, <c>1/d</c> or <c>1</c>.</summary>
    public string LightningScale { get; init; } = "1/sqrt(d)";

    /// <summary>QK-norm in Lightning layers.</summary>
    public bool LightningUseQkNorm { get; init; } = true;

    /// <summary>RoPE in Lightning layers.</summary>
    public bool LightningUseRope { get; init; } = true;

    /// <summary>One RMSNorm over all heads of a Lightning layer.</summary>
    public bool LightningUseOutputNorm { get; init; } = true;

    /// <summary>Sigmoid output gate in Lightning layers.</summary>
    public bool LightningUseOutputGate { get; init; } = true;

    /// <summary>Doubles Wo of layers that get a new gate, whose sigmoid starts at one half, so that a kept attention layer starts as it was.</summary>
    public bool CompensateGate { get; init; }

    /// <summary>Standard deviation of new gate weights.</summary>
    public double GateDeviation { get; init; } = 0.02;

    /// <summary>Seed of new weights.</summary>
    public long Seed { get; init; }
}
