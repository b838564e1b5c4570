using System.Text.RegularExpressions;
using Halo.Core;

namespace Halo.Reporting.Tests;

public sealed class ReportBuilderTests : IDisposable
{
    private static readonly byte[] PngSignature = [0x89, (byte)'P', (byte)'N', (byte)'G'];
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_page_holds_all_parts_and_needs_no_other_file()
    {
        RunFolder run = ExampleRun.Write(folder.Root);
        File.AppendAllText(run.Results, System.Text.Json.JsonSerializer.Serialize(ExampleRun.Needle("another", "niah_single_1", 1024, 50, 0.5, 20), HaloJson.Line) + "\n");
        string path = ReportBuilder.Build(run, "A title <with> signs");
        string page = File.ReadAllText(path);

        Assert.Equal(Path.GetFullPath(run.Report), path);
        Assert.Contains("A title &lt;with&gt; signs", page);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotMatch("(src|srcset|href)=\"(?!data:|#)", page);
        foreach (string part in new[] { "Stage 1: hidden-state alignment", "Stage 3: long-context", "Method halo keeps the layers 4, 7, 8", "S-NIAH-2: a number in running prose", "Perplexity by position", "<th scope=\"col\">another</th>", "Weight transfer only", "universally acknowledged", "&lt;grey&gt; sea &amp; said", "&quot;row_length&quot;: 512" })
        {
            Assert.Contains(part, page);
        }
    }

    [Fact]
    public void Every_picture_is_embedded_for_light_and_dark_and_lies_in_the_folder()
    {
        RunFolder run = ExampleRun.Write(folder.Root);
        string page = File.ReadAllText(ReportBuilder.Build(run));
        string[] files = Directory.GetFiles(run.Pictures);
        HashSet<string> onDisk = [.. files.Select(file => Convert.ToBase64String(File.ReadAllBytes(file)))];
        string[] embedded = [.. Regex.Matches(page, "data:image/png;base64,([^\"]+)\"").Select(match => match.Groups[1].Value)];

        Assert.NotEmpty(embedded);
        Assert.All(embedded, picture => Assert.Contains(picture, onDisk));
        Assert.All(files, file => Assert.Equal(PngSignature, File.ReadAllBytes(file)[..4]));
        string[] light = [.. files.Where(file => !file.EndsWith(".dark.png", StringComparison.Ordinal))];
        Assert.All(light, file => Assert.Contains(Path.ChangeExtension(file, ".dark.png"), files));
        Assert.Contains(light, file => Path.GetFileName(file) == "needles-niah_single_1.png");
        Assert.Contains(light, file => Path.GetFileName(file) == "layer-importance.png");
        Assert.Contains(light, file => Path.GetFileName(file) == "loss-stage2.png");
    }

    [Fact]
    public void Missing_parts_are_left_out_with_a_sentence()
    {
        var run = new RunFolder(folder.Root);
        AtomicFile.WriteAllText(run.Recipe, "{}");
        string page = File.ReadAllText(ReportBuilder.Build(run));

        Assert.Equal(7, Regex.Count(page, "<p class=\"note\">[^<]*left out"));
        Assert.DoesNotContain("<img", page);
        Assert.Empty(Directory.Exists(run.Pictures) ? Directory.GetFiles(run.Pictures) : []);
    }

    [Fact]
    public void Pictures_of_an_earlier_report_do_not_stay()
    {
        RunFolder run = ExampleRun.Write(folder.Root);
        ReportBuilder.Build(run);
        File.Delete(run.Selection);
        ReportBuilder.Build(run);
        Assert.DoesNotContain(Directory.GetFiles(run.Pictures), file => Path.GetFileName(file).StartsWith("layer-importance", StringComparison.Ordinal));
    }

    [Fact]
    public void The_page_says_by_how_much_training_beats_weight_transfer()
    {
        var run = new RunFolder(folder.Root);
        ExampleRun.WriteLines(run.Results, [ExampleRun.Perplexity("teacher", 1024, null, 20), ExampleRun.Perplexity("student", 1024, null, 25), ExampleRun.Perplexity("untrained", 1024, null, 500)]);
        string page = File.ReadAllText(ReportBuilder.Build(run));
        Assert.Contains("<b>× 1.250</b>", page);
        Assert.Contains("<b>20.00 times</b><span>lower perplexity than weight transfer alone at 1K tokens: 25.00 against 500.0", page);
    }

    [Fact]
    public void A_student_worse_than_weight_transfer_is_said_to_be_so()
    {
        var run = new RunFolder(folder.Root);
        ExampleRun.WriteLines(run.Results, [ExampleRun.Perplexity("student", 1024, null, 50), ExampleRun.Perplexity("untrained", 1024, null, 25)]);
        Assert.Contains("training made it worse", File.ReadAllText(ReportBuilder.Build(run)));
    }

    [Theory]
    [InlineData("{\"model\":\"teacher\",\"task\":")]
    [InlineData("{\"model\":\"teacher\"}")]
    [InlineData("[1]")]
    public void A_broken_result_line_names_file_and_line(string broken)
    {
        RunFolder run = ExampleRun.Write(folder.Root);
        string[] lines = File.ReadAllLines(run.Results);
        lines[2] = broken;
        File.WriteAllLines(run.Results, lines);
        var error = Assert.Throws<HaloException>(() => ReportBuilder.Build(run));
        Assert.Equal($"{run.Results}, line 3", error.Where);
        Assert.False(File.Exists(run.Report));
    }

    [Fact]
    public void A_broken_event_line_names_file_and_line()
    {
        RunFolder run = ExampleRun.Write(folder.Root);
        File.AppendAllText(run.Events, "{\"time\":\"2026");
        int last = File.ReadAllLines(run.Events).Length;
        Assert.Equal($"{run.Events}, line {last}", Assert.Throws<HaloException>(() => ReportBuilder.Build(run)).Where);
    }

    [Theory]
    [InlineData("selection.json", "{\"method\":\"halo\",\"layers\":[\"two\"]}")]
    [InlineData("samples.json", "{\"model\":1}")]
    [InlineData("recipe.json", "not json")]
    public void Another_broken_file_is_named(string name, string content)
    {
        RunFolder run = ExampleRun.Write(folder.Root);
        string path = Path.Combine(folder.Root, name);
        File.WriteAllText(path, content);
        Assert.Equal(path, Assert.Throws<HaloException>(() => ReportBuilder.Build(run)).Where);
    }

    [Fact]
    public void A_folder_without_a_run_is_refused()
    {
        Assert.Contains("holds no run", Assert.Throws<HaloException>(() => ReportBuilder.Build(new RunFolder(folder.Root))).What);
        Assert.Contains("missing", Assert.Throws<HaloException>(() => ReportBuilder.Build(new RunFolder(Path.Combine(folder.Root, "nothing")))).What);
    }

    [Fact]
    public void Figures_that_are_no_numbers_do_not_stop_the_report()
    {
        var run = new RunFolder(folder.Root);
        ExampleRun.WriteLines(run.Results, [ExampleRun.Perplexity("teacher", 1024, null, double.NaN), ExampleRun.Perplexity("student", 1024, null, double.PositiveInfinity), ExampleRun.Perplexity("student", 2048, null, 3), ExampleRun.Perplexity("student", 4096, null, 4), ExampleRun.Needle("student", "niah_single_1", 1024, 0, double.NaN, 1)]);
        ExampleRun.WriteLines(run.Events, [new RunEvent(DateTime.UtcNow, "stage1", "step", 1, new() { ["loss"] = "NaN" }), new RunEvent(DateTime.UtcNow, "stage1", "step", 2, new() { ["loss"] = 0.0 })]);
        Assert.Contains("not a number", File.ReadAllText(ReportBuilder.Build(run)));
    }
}
