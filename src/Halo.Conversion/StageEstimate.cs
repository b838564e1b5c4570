using System.Text.Json.Nodes;

namespace Halo.Conversion;

/// <summary>What one stage will take.</summary>
/// <param name="Name">Stage.</param>
/// <param name="Steps">Updates.</param>
/// <param name="Tokens">Tokens read.</param>
/// <param name="Flop">Floating-point operations.</param>
/// <param name="MemoryBytes">Memory of the device at the peak, bytes.</param>
/// <param name="Seconds">Time at the assumed rate.</param>
public sealed record StageEstimate(string Name, long Steps, double Tokens, double Flop, long MemoryBytes, double Seconds)
{
    /// <summary>As JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["stage"] = Name, ["steps"] = Steps, ["tokens"] = Tokens, ["flop"] = Flop, ["memory_bytes"] = MemoryBytes, ["seconds"] = Seconds,
    };
}
