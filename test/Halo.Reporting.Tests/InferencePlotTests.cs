using System.Text.Json.Nodes;
using System.Xml.Linq;
using Halo.Core;
using SkiaSharp;

namespace Halo.Reporting.Tests;

public class InferencePlotTests
{
    [Fact]
    public void EachFigureIsDrawnAndTwoModelsGiveASpeedUp()
    {
        string folder = Directory.CreateTempSubdirectory("halo-").FullName;
        ResultRecord[] records = [.. from model in new[] { "small", "large" } from length in new[] { 1024, 4096, 65536 } from metric in new[] { "prefill_seconds", "milliseconds_per_token", "memory_gigabytes" }
            select new ResultRecord(model, InferencePlots.Task, metric, (model == "small" ? 1 : 3) * length / 1e4, null, 1, new JsonObject { ["length"] = length })];
        IReadOnlyList<string> files = InferencePlots.Write(folder, records);
        Assert.Equal(12, files.Count);
        foreach (string svg in files.Where(file => file.EndsWith(".svg", StringComparison.Ordinal)))
        {
            XElement root = XDocument.Load(svg).Root!;
            string text = root.Value;
            Assert.Contains("4K", text);
            Assert.All(root.Elements().Where(one => one.Name.LocalName == "rect"), one => Assert.NotNull(one.Attribute("fill"))); // Black where missing.
            Assert.Single(root.Descendants(), one => one.Name.LocalName == "text" && one.Value.Trim() == "64K"); // Drawn once.
        }

        string speedUp = XDocument.Load(Path.Combine(folder, "inference-speedup.svg")).Root!.Elements().First().Value;
        Assert.Contains("small against large: reading from 3.000 at 1K to 3.000 at 64K", speedUp);
        foreach (string png in files.Where(file => file.EndsWith(".png", StringComparison.Ordinal)))
        {
            using SKBitmap bitmap = SKBitmap.Decode(png);
            Assert.True(bitmap.Pixels.Distinct().Count() > 10, png);
        }

        Assert.Equal(9, InferencePlots.Write(Path.Combine(folder, "one"), [.. records.Where(record => record.Model == "small")]).Count);
        Directory.Delete(folder, true);
    }
}
