using Halo.Conversion.Recipes;
using TorchSharp;

namespace Halo.Conversion;

/// <summary>A conversion to run.</summary>
public sealed record PipelineRequest
{
    /// <summary>The recipe.</summary>
    public required Recipe Recipe { get; init; }

    /// <summary>Teacher folder.</summary>
    public required string Teacher { get; init; }

    /// <summary>Files and folders of text for sources without a path.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>The run's folder.</summary>
    public required string Run { get; init; }

    /// <summary>Where to compute.</summary>
    public required torch.Device Device { get; init; }

    /// <summary>Type of products.</summary>
    public required torch.ScalarType ComputeType { get; init; }

    /// <summary>First stage to do anew, with all after it; earlier ones must be there. Null: continue.</summary>
    public string? From { get; init; }

    /// <summary>Last stage to run.</summary>
    public string? Until { get; init; }

    /// <summary>Start even where a stage is expected to need more memory than there is.</summary>
    public bool IgnoreMemory { get; init; }

    /// <summary>Haystack and text of the evaluation where the recipe names none.</summary>
    public string? DefaultHaystack { get; init; }

    /// <summary>Further models measured beside teacher and student: name and folder.</summary>
    public IReadOnlyDictionary<string, string> Beside { get; init; } = new Dictionary<string, string>();
}
