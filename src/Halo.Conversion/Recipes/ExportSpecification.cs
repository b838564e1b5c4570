namespace Halo.Conversion.Recipes;

/// <summary>How the finished model is written.</summary>
public sealed record ExportSpecification
{
    /// <summary>Type of the weights.</summary>
    public string Dtype { get; init; } = "bfloat16";

    /// <summary>Bytes of a shard.</summary>
    public long ShardBytes { get; init; } = 5_000_000_000;
}
