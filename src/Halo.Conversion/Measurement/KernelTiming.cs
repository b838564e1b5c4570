using System.Text.Json.Nodes;

namespace Halo.Conversion.Measurement;

/// <summary>What a kernel took.</summary>
/// <param name="Name">Kernel.</param>
/// <param name="Shape">Of its inputs.</param>
/// <param name="Seconds">A run of the kernel; null where it failed.</param>
/// <param name="PlainSeconds">A run of the plain tensor operations; null where they failed.</param>
/// <param name="FloorSeconds">The least time by bytes or operations at the rates measured in the same run.</param>
/// <param name="Failure">Why there is no time.</param>
internal sealed record KernelTiming(string Name, string Shape, double? Seconds, double? PlainSeconds, double FloorSeconds, string? Failure)
{
    public JsonObject ToJson() => new()
    {
        ["kernel"] = Name, ["shape"] = Shape, ["milliseconds"] = Seconds * 1e3, ["plain_milliseconds"] = PlainSeconds * 1e3, ["floor_milliseconds"] = FloorSeconds * 1e3,
        ["share_of_floor"] = FloorSeconds / Seconds, ["speed_up"] = PlainSeconds / Seconds, ["failure"] = Failure,
    };

    public string ToText() => FormattableString.Invariant(
        $"{Name,-30} {Shape,-24} {Seconds * 1e3,10:0.000} ms {FloorSeconds * 1e3,10:0.000} floor ({100 * FloorSeconds / Seconds,3:0} %) {PlainSeconds * 1e3,10:0.000} plain ({PlainSeconds / Seconds:0.0} times){(Failure is null ? "" : " " + Failure)}");
}
