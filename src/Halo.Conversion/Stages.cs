using Halo.Core;

namespace Halo.Conversion;

/// <summary>The stages of a conversion, in their order.</summary>
internal static class Stages
{
    /// <summary>Hidden-state alignment.</summary>
    public const string Align = "stage1";

    /// <summary>Layer selection.</summary>
    public const string Select = "select";

    /// <summary>Distillation.</summary>
    public const string Distill = "stage2";

    /// <summary>Long-context fine-tuning.</summary>
    public const string Extend = "stage3";

    /// <summary>Search for a.</summary>
    public const string Scale = "scale";

    /// <summary>Export.</summary>
    public const string Export = "export";

    /// <summary>Evaluation.</summary>
    public const string Evaluate = "evaluate";

    /// <summary>All stages.</summary>
    public static IReadOnlyList<string> All { get; } = [Align, Select, Distill, Extend, Scale, Export, Evaluate];

    /// <summary>Place of a stage.</summary>
    /// <exception cref="HaloException">There is none of that name.</exception>
    public static int IndexOf(string stage, string option)
    {
        int index = ((List<string>)[.. All]).IndexOf(stage);
        return index >= 0 ? index : throw new HaloException($"there is no stage '{stage}'", option, $"choose from {string.Join(", ", All)}");
    }
}
