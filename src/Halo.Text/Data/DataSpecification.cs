using Halo.Core;

namespace Halo.Text.Data;

/// <summary>The data section of a recipe.</summary>
public sealed record DataSpecification
{
    /// <summary>Sources; a stage may have its own.</summary>
    public IReadOnlyList<SourceSpecification> Sources { get; init; } = [new()];

    /// <summary>The token that ends documents; null: <c>&lt;|endoftext|&gt;</c> where the tokenizer has it, else its end-of-sequence token.</summary>
    public string? DocumentEnd { get; init; }

    /// <summary>Share of documents held out for measuring.</summary>
    public double HeldOut { get; init; } = 0.01;

    /// <summary>Whether CRLF becomes LF.</summary>
    public bool NormalizeNewlines { get; init; } = true;

    /// <summary>Seed of order and of synthetic documents.</summary>
    public long Seed { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="HaloException">One is impossible.</exception>
    public void Validate(string where)
    {
        SourceSpecification.Validate(Sources, $"{where}.sources");
        if (!(HeldOut >= 0 && HeldOut <= 0.5))
        {
            throw new HaloException($"held_out is {HeldOut}", $"{where}.held_out", "give a share from 0 to 0.5");
        }
    }
}
