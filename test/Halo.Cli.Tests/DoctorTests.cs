using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Halo.Cli.Tests;

/// <summary>halo doctor, in a process of its own: what is loaded in this one must not matter.</summary>
public class DoctorTests
{
    [Fact]
    public void FindsLibTorchAndTheCpu()
    {
        (int code, string output) = Doctor([], "--json");
        JsonNode json = JsonNode.Parse(output)!;
        Assert.Equal(0, code);
        Assert.True(json["cpu"]!.GetValue<bool>());
        JsonNode torch = Finding(json, "libtorch");
        Assert.Equal("ok", torch["state"]!.GetValue<string>());
        Assert.True(File.Exists(Path.Combine(torch["where"]!.GetValue<string>(), "libtorch_cpu.so")));
        Assert.Matches("^[0-9]+\\.[0-9]+", torch["value"]!.GetValue<string>());
        Assert.All(json["findings"]!.AsArray(), finding => Assert.True(finding!["state"]!.GetValue<string>() == "ok" || finding["remedy"] is not null, finding.ToJsonString()));
    }

    [Fact]
    public void SaysWhatIsMissingAndFails()
    {
        (int code, string output) = Doctor([("HALO_LIBTORCH", "/nowhere/at/all")], "--json");
        JsonNode json = JsonNode.Parse(output)!;
        Assert.Equal(1, code);
        Assert.False(json["cpu"]!.GetValue<bool>());
        Assert.Equal("broken", Finding(json, "libtorch")["state"]!.GetValue<string>());
        Assert.Contains("HALO_LIBTORCH", Finding(json, "libtorch")["remedy"]!.GetValue<string>());
    }

    [Fact]
    public void TellsItToPeopleToo()
    {
        (int code, string output) = Doctor([("HALO_LIBTORCH", "/nowhere/at/all")]);
        Assert.Equal(1, code);
        Assert.Contains("/nowhere/at/all", output);
        Assert.Contains("do: ", output);
    }

    private static JsonNode Finding(JsonNode json, string name) => json["findings"]!.AsArray().Single(finding => finding!["name"]!.GetValue<string>() == name)!;

    private static (int Code, string Output) Doctor((string Name, string Value)[] environment, params string[] options)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "halo.dll"), "doctor", .. options]) { RedirectStandardOutput = true };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
