using System.Text.Json.Nodes;

namespace Halo.Conversion.Measurement;

/// <summary>Memory between two steps of a training run.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Held">Bytes of the device that libtorch holds; 0 where that is not known.</param>
/// <param name="InUse">Bytes of these that are in use: what remains when libtorch has given back all that it can.</param>
/// <param name="Host">Bytes of the machine's memory that the process holds.</param>
internal sealed record MemorySample(long Step, long Held, long InUse, long Host)
{
    public JsonObject ToJson() => new() { ["step"] = Step, ["held_gigabytes"] = Held / 1e9, ["in_use_gigabytes"] = InUse / 1e9, ["host_gigabytes"] = Host / 1e9 };
}
