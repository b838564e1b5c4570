using System.Text.Json.Nodes;
using Halo.Core;
using ParquetSharp;
using ParquetSharp.Schema;

namespace Halo.Evaluation.Tests;

/// <summary>Benchmark files as users bring them.</summary>
public sealed class BenchmarkFileTests : IDisposable
{
    private readonly string folder = TestContexts.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ParquetGivesTheRecordsOfTheOriginalShape()
    {
        string path = Path.Combine(folder, "arc_easy.parquet");
        string[] questions = [.. Enumerable.Range(0, 1500).Select(i => $"Question {i} é?")];
        using (LogicalType text = LogicalType.String())
        {
            GroupNode List(string name)
            {
                using LogicalType list = LogicalType.List();
                return new GroupNode(name, Repetition.Optional, [new GroupNode("list", Repetition.Repeated, [new PrimitiveNode("element", Repetition.Optional, text, PhysicalType.ByteArray)])], list);
            }

            using var schema = new GroupNode("schema", Repetition.Required, [
                new PrimitiveNode("question", Repetition.Optional, text, PhysicalType.ByteArray),
                new GroupNode("choices", Repetition.Optional, [List("text"), List("label")]),
                new PrimitiveNode("answerKey", Repetition.Optional, text, PhysicalType.ByteArray),
                new PrimitiveNode("idx", Repetition.Required, LogicalType.None(), PhysicalType.Int64)]);
            using WriterProperties properties = WriterProperties.GetDefaultWriterProperties();
            using var file = new ParquetFileWriter(path, schema, properties);
            using RowGroupWriter group = file.AppendRowGroup();
            using (LogicalColumnWriter<string> column = group.NextColumn().LogicalWriter<string>())
            {
                column.WriteBatch(questions);
            }

            using (var column = group.NextColumn().LogicalWriter<Nested<string[]>?>())
            {
                column.WriteBatch([.. questions.Select((_, i) => (Nested<string[]>?)new Nested<string[]>([.. Enumerable.Range(0, 3 + (i % 3)).Select(j => $"c{i}-{j}")]))]);
            }

            using (var column = group.NextColumn().LogicalWriter<Nested<string[]>?>())
            {
                column.WriteBatch([.. questions.Select((_, i) => (Nested<string[]>?)new Nested<string[]>([.. "ABCDE"[..(3 + (i % 3))].Select(letter => letter.ToString())]))]);
            }

            using (LogicalColumnWriter<string> column = group.NextColumn().LogicalWriter<string>())
            {
                column.WriteBatch([.. questions.Select(_ => "B")]);
            }

            using LogicalColumnWriter<long> numbers = group.NextColumn().LogicalWriter<long>();
            numbers.WriteBatch([.. questions.Select((_, i) => (long)i)]);
        }

        JsonObject[] records = [.. BenchmarkFiles.Read([path])];
        Assert.Equal(1500, records.Length);
        Assert.Equal("""{"question":"Question 1499 é?","choices":{"text":["c1499-0","c1499-1","c1499-2","c1499-3","c1499-4"],"label":["A","B","C","D","E"]},"answerKey":"B","idx":1499}""", records[^1].ToJsonString(HaloJson.Line));
        BenchmarkItem item = ChoicePrompts.Arc(records[7]);
        Assert.Equal(("Question: Question 7 é?\nAnswer:", " c7-1", 1), (item.Requests[1].Context, item.Requests[1].Continuation, item.Gold));

        File.WriteAllBytes(path, File.ReadAllBytes(path)[..2000]);
        Assert.Throws<HaloException>(() => BenchmarkFiles.Read([path]).ToArray());
    }

    [Fact]
    public void FilesAreFoundAsHuggingFaceLaysThemOut()
    {
        string[] files =
        [
            "hellaswag/data/train-00000-of-00001.parquet", "hellaswag/data/validation-00000-of-00002.parquet", "hellaswag/data/validation-00001-of-00002.parquet", "hellaswag/README.md",
            "ai2_arc/ARC-Easy/test-00000-of-00001.parquet", "winogrande/winogrande_xl/validation.jsonl", "winogrande/winogrande_m/validation.jsonl", "super_glue/boolq/val.jsonl", "PIQA.jsonl.gz", "openbook_qa.jsonl", "copa/items.jsonl",
        ];
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, file))!);
            File.WriteAllText(Path.Combine(folder, file), "");
        }

        string[] Found(string task)
        {
            BenchmarkDefinition definition = BenchmarkDefinition.All.Single(one => one.Name == task);
            return [.. BenchmarkFiles.Find(folder, task, definition.Places, definition.Splits, definition.Preferred).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))];
        }

        Assert.Equal(files[1..3], Found("hellaswag"));
        Assert.Equal([files[4]], Found("arc_easy"));
        Assert.Equal([files[5]], Found("winogrande"));
        Assert.Equal([files[7]], Found("boolq"));
        Assert.Equal([files[8]], Found("piqa"));
        Assert.Equal([files[9]], Found("openbookqa"));
        Assert.Equal([files[10]], Found("copa"));
        Assert.Contains("wsc273.jsonl", Assert.Throws<HaloException>(() => Found("wsc273")).Message);
    }

    [Theory]
    [InlineData("""{"goal":"g","sol1":"a"}""", "sol2")]
    [InlineData("""{"goal":"g","sol1":"a","sol2":"b","label":2}""", "right choice")]
    [InlineData("""{"goal":"g","sol1":"a","sol2":"b","label":""}""", "label")]
    [InlineData("""{"query":"q","choices":["a",3],"gold":0}""", "choices")]
    [InlineData("""{"goal":"a","goal":"b"}""", "item 2")]
    [InlineData("[1]", "JSON object")]
    [InlineData("{", "JSON")]
    public void ABadRecordIsNamed(string line, string part)
    {
        File.WriteAllLines(Path.Combine(folder, "piqa.jsonl"), ["""{"goal":"g","sol1":"a","sol2":"b","label":1}""", line]);
        var options = new EvaluationOptions { Tasks = ["piqa"], BenchmarksFolder = folder };
        Assert.Contains(part, Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options))).Message);
    }

    [Fact]
    public void SubjectsArePooled()
    {
        string Line(string subject, int answer) => new JsonObject { ["question"] = "q", ["subject"] = subject, ["choices"] = new JsonArray("1", "2", "3", "4"), ["answer"] = answer }.ToJsonString();
        File.WriteAllLines(Path.Combine(folder, "mmlu.jsonl"), [Line("b_x", 0), Line("a", 1), Line("b_x", 1), Line("b_x", 0), Line("a", 0)]);

        // Every answer costs the same, so the first is chosen.
        IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(TestContexts.Make(new EvaluationOptions { Tasks = ["mmlu"], BenchmarksFolder = folder }));
        Assert.Equal(0.6, records.One("acc").Value, 1e-12);
        Assert.Equal(["a", "b_x"], records.Where(record => record.Metric == "acc_by_subject").Select(record => record.Settings["subject"]!.GetValue<string>()));
        double one = 0.5, other = 1.0 / 3;
        Assert.Equal(Math.Sqrt(((1 * 2 * one * one) + (2 * 3 * other * other)) / (5 - 2) / 5), records.One("acc").Stderr!.Value, 1e-12);
    }
}
