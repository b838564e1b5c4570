namespace Halo.Conversion.Recipes;

/// <summary>How the layers that stay attention are chosen.</summary>
public sealed record SelectionSpecification
{
    /// <summary><c>halo</c>, <c>jet-nemotron</c>, <c>kl</c>, <c>even</c> or <c>list</c>.</summary>
    public string Method { get; init; } = "halo";

    /// <summary>Attention layers kept; null: floor(L / 4).</summary>
    public int? Top { get; init; }

    /// <summary>Number of attention layers kept of <paramref name="layers"/>.</summary>
    public int Kept(int layers) => Top ?? Math.Max(1, layers / 4);

    /// <summary>eps of HALO's score.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>The layers of method <c>list</c>.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>Always keep the first and the last layer.</summary>
    public bool KeepFirstAndLast { get; init; }

    /// <summary>Rows of synthetic recall for R.</summary>
    public int RecallRows { get; init; } = 64;

    /// <summary>Rows of held-out text for C and for KL.</summary>
    public int TextRows { get; init; } = 64;

    /// <summary>Tokens of such a row.</summary>
    public int RowLength { get; init; } = 1024;
}
