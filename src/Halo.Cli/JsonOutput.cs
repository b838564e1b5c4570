using System.Text.Json;
using Halo.Core;

namespace Halo.Cli;

/// <summary>Writes the one JSON value of a command run with --json.</summary>
internal static class JsonOutput
{
    /// <summary>Prints <paramref name="value"/> to stdout.</summary>
    public static void Write<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, HaloJson.Indented));
}
