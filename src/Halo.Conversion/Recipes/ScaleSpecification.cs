namespace Halo.Conversion.Recipes;

/// <summary>The search for a of <c>s_t = ln(t + a) / ln(a)</c>.</summary>
public sealed record ScaleSpecification
{
    /// <summary>Tokens of a row of held-out text; 0 leaves the scaling off.</summary>
    public int RowLength { get; init; } = 65536;

    /// <summary>Rows.</summary>
    public int Rows { get; init; } = 8;

    /// <summary>Smallest a tried.</summary>
    public double Smallest { get; init; } = 2;

    /// <summary>Largest a tried.</summary>
    public double Largest { get; init; } = 20000;
}
