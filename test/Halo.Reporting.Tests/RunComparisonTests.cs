using System.Text.Json.Nodes;
using System.Xml.Linq;
using Halo.Core;
using SkiaSharp;

namespace Halo.Reporting.Tests;

public class RunComparisonTests
{
    [Fact]
    public void CurvesOfSharedStagesAreDrawnAndTheirGreatestDifferenceStated()
    {
        using var folder = new TemporaryFolder();
        RunFolder first = Run(folder.Root, "one", ("stage1", 1, 4.0), ("stage1", 2, 2.0), ("stage1", 3, 1.0), ("stage2", 1, 0.5), ("stage2", 2, 0.25), ("scale", 1, 3.0));
        RunFolder second = Run(folder.Root, "two", ("stage1", 1, 4.0), ("stage1", 2, 2.1), ("stage1", 3, 1.01), ("stage1", 4, 9.0), ("stage2", 1, 0.5), ("stage2", 2, 0.25));
        string pictures = Path.Combine(folder.Root, "pictures");
        JsonObject result = RunComparison.Write(pictures, first, second, "kernels", "plain");

        JsonArray stages = result["stages"]!.AsArray();
        Assert.Equal(["stage1", "stage2"], stages.Select(stage => (string)stage!["stage"]!));
        Assert.Equal(0.05, (double)stages[0]!["greatest_relative_difference"]!, 1e-12);
        Assert.Equal(2, (double)stages[0]!["greatest_at_step"]!);
        Assert.Equal(0.02, (double)stages[0]!["mean_relative_difference"]!, 1e-12);
        Assert.Equal(3, stages[0]!["steps"]!.AsArray().Count);
        Assert.Equal(0, (double)stages[1]!["greatest_relative_difference"]!);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(Path.Combine(pictures, "compare.json"))), JsonNode.Parse(result.ToJsonString())));

        string title = XDocument.Load(Path.Combine(pictures, "compare-stage1.svg")).Root!.Elements().First().Value;
        Assert.Contains("greatest difference 5.000 % at step 2", title);
        foreach (string png in new[] { "compare-stage1.png", "compare-stage1.dark.png", "compare-stage2.png" })
        {
            using SKBitmap bitmap = SKBitmap.Decode(Path.Combine(pictures, png));
            Assert.True(bitmap.Pixels.Distinct().Count() > 10, png);
        }
    }

    [Fact]
    public void RunsWithoutACommonStageAreRefused()
    {
        using var folder = new TemporaryFolder();
        RunFolder first = Run(folder.Root, "one", ("stage1", 1, 4.0), ("stage1", 2, 2.0));
        RunFolder second = Run(folder.Root, "two", ("stage2", 1, 4.0), ("stage2", 2, 2.0));
        Assert.Contains("share no stage", Assert.Throws<HaloException>(() => RunComparison.Write(folder.Root, first, second, "a", "b")).What);
    }

    private static RunFolder Run(string root, string name, params (string Stage, int Step, double Loss)[] steps)
    {
        var run = new RunFolder(Path.Combine(root, name));
        Directory.CreateDirectory(run.Root);
        File.WriteAllLines(run.Events, steps.Select(step => new JsonObject { ["time"] = "2026-01-01T00:00:00Z", ["stage"] = step.Stage, ["kind"] = "step", ["step"] = step.Step, ["values"] = new JsonObject { ["loss"] = step.Loss } }.ToJsonString()));
        return run;
    }
}
