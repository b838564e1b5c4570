namespace Halo.Cli.Doctor;

/// <summary>One thing that was looked at.</summary>
/// <param name="Name">What.</param>
/// <param name="State"><c>ok</c>, <c>absent</c> (not needed for the CPU) or <c>broken</c>.</param>
/// <param name="Value">What was found.</param>
/// <param name="Where">Where it lies; null where it has no place.</param>
/// <param name="Remedy">How to get it or mend it; null where nothing is missing.</param>
internal sealed record Finding(string Name, string State, string Value, string? Where = null, string? Remedy = null)
{
    public const string Ok = "ok";
    public const string Absent = "absent";
    public const string Broken = "broken";
}
