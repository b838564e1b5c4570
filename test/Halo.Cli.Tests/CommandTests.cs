using System.Text.Json.Nodes;
using Halo.Testing;

namespace Halo.Cli.Tests;

/// <summary>Whole command lines, run in this process; they share the console, so one at a time.</summary>
public class CommandTests
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(Golden.Folder, "..", ".."));

    public static TheoryData<string> Commands => ["demo", "convert", "pretrain", "select", "scale", "eval", "generate", "chat", "inspect", "verify", "tokenize", "report", "compare", "import"];

    [Fact]
    public async Task SelectPrintsOneJsonValueWithThePublishedLayers()
    {
        (int code, string output, _) = await Run("select", Golden.Path("layer-sweep/qwen3-1.7b.json"), "--json");
        Assert.Equal(0, code);
        Assert.Equal([2, 3, 6, 8, 9, 21, 25], JsonNode.Parse(output)!["layers"]!.AsArray().Select(layer => layer!.GetValue<int>()));
    }

    [Fact]
    public async Task TokenizeKeepsRecordsInOrderAndAddsIds()
    {
        string folder = Directory.CreateTempSubdirectory("halo-cli-").FullName;
        string input = Path.Combine(folder, "in.jsonl");
        string output = Path.Combine(folder, "out.jsonl");
        await File.WriteAllLinesAsync(input, ["{\"text\":\"one two\",\"id\":7}", "{\"text\":\"\"}"]);
        (int code, _, _) = await Run("tokenize", Path.Combine(Root, "models", "qwen3-nano"), "--jsonl", input, "--out", output);
        Assert.Equal(0, code);
        JsonNode[] records = [.. File.ReadLines(output).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(7, records[0]["id"]!.GetValue<int>());
        Assert.NotEmpty(records[0]["ids"]!.AsArray());
        Assert.Empty(records[1]["ids"]!.AsArray());
        Directory.Delete(folder, true);
    }

    [Theory]
    [InlineData("models/qwen3-nano", "teacher")]
    [InlineData("models/hypenet-nano", "student")]
    public async Task TheShippedModelsAreWhole(string model, string kind)
    {
        (int code, string output, _) = await Run("inspect", Path.Combine(Root, model), "--json");
        Assert.Equal(0, code);
        Assert.Equal(kind == "student" ? "hypenet" : "qwen3", JsonNode.Parse(output)!["model_type"]!.GetValue<string>());
    }

    [Fact]
    public async Task GenerationContinuesAndIsTheSameForTheSameSeed()
    {
        string[] line = ["generate", Path.Combine(Root, "models", "hypenet-nano"), "--prompt", "The old man", "--max-tokens", "8", "--temperature", "0.9", "--seed", "5", "--json"];
        (int code, string first, _) = await Run(line);
        (_, string second, _) = await Run(line);
        Assert.Equal(0, code);
        Assert.Equal(first, second);
        Assert.NotEmpty(JsonNode.Parse(first)!["text"]!.GetValue<string>());
    }

    [Fact]
    public async Task InferenceIsMeasuredAndDrawn()
    {
        string folder = Directory.CreateTempSubdirectory("halo-").FullName;
        (int code, string output, string error) = await Run(
            "bench", "inference", Path.Combine(Root, "models", "hypenet-nano"), "--against", Path.Combine(Root, "models", "qwen3-nano"), "--contexts", "64,128,1000m", "--new-tokens", "4", "--random-weights", "--json", "--plots", folder);
        Assert.True(code == 0, error);
        JsonNode json = JsonNode.Parse(output)!;
        Assert.True(json["machine"]!["gigabytes_per_second"]!.GetValue<double>() > 0);
        foreach (JsonNode? record in json["results"]!.AsArray())
        {
            Assert.True(record!["value"]!.GetValue<double>() > 0, record.ToJsonString());
        }

        Assert.Equal([64, 128], json["speed_up"]!.AsArray().Select(one => one!["length"]!.GetValue<int>()));
        Assert.Equal(["hypenet-nano", "qwen3-nano"], json["refused"]!.AsArray().Select(one => one!["model"]!.GetValue<string>())); // A thousand million tokens.
        Assert.Equal(json.ToJsonString(), JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "inference.json")))!.ToJsonString());
        Assert.Equal(12, Directory.GetFiles(folder, "inference-*").Length);
        Assert.StartsWith("<?xml", await File.ReadAllTextAsync(Path.Combine(folder, "inference-speedup.svg")), StringComparison.Ordinal);
        Directory.Delete(folder, true);
    }

    [Fact]
    public async Task GenerationGoesOnFromWhatWasSaved()
    {
        string folder = Directory.CreateTempSubdirectory("halo-").FullName, kept = Path.Combine(folder, "text.safetensors");
        string[] line = ["generate", Path.Combine(Root, "models", "hypenet-nano"), "--json", "--log-probabilities", "2"];
        (_, string first, _) = await Run([.. line, "--prompt", "The old", "--max-tokens", "1", "--save", kept]);
        int[] Ids(string json) => [.. JsonNode.Parse(json)!["ids"]!.AsArray().Select(id => id!.GetValue<int>())];
        Assert.Single(Ids(first));

        // " man" was one token, and what the first run wrote after "The old" was saved with it.
        (int code, string second, _) = await Run([.. line, "--resume", kept, "--prompt", " man", "--max-tokens", "14"]);
        Assert.Equal(0, code);
        Assert.Equal(1, JsonNode.Parse(second)!["prompt_tokens"]!.GetValue<int>());
        Assert.Equal(14, JsonNode.Parse(second)!["log_probabilities"]!.AsArray().Count);
        Assert.Equal(2, JsonNode.Parse(second)!["top"]![0]!.AsArray().Count);
        (_, string plain, _) = await Run([.. line, "--prompt", "The old" + JsonNode.Parse(first)!["text"]!.GetValue<string>() + " man", "--max-tokens", "14"]);
        Assert.Equal(Ids(plain), Ids(second));
        (code, _, string error) = await Run("generate", Path.Combine(Root, "models", "qwen3-nano"), "--resume", kept, "--prompt", "x");
        Assert.Equal(1, code);
        Assert.Contains("another model", error);
        Directory.Delete(folder, true);
    }

    [Theory]
    [InlineData("nowhere", "inspect", "/nowhere/at/all")]
    [InlineData("unknown device", "generate", "models/qwen3-nano", "--prompt", "x", "--device", "tpu")]
    [InlineData("no such file", "import", "models/absent.gguf", "--out", "models/absent")]
    [InlineData("prompt is empty", "generate", "models/qwen3-nano", "--prompt", "")]
    [InlineData("recipe", "convert", "no-such-recipe", "--teacher", "models/qwen3-nano", "--out", "/tmp/halo-none")]
    [InlineData("did you mean 'steps'", "convert", "demo", "--teacher", "models/qwen3-nano", "--out", "/tmp/halo-none", "--set", "stage2.stepps=3")]
    [InlineData("no task named", "eval", "models/qwen3-nano", "--tasks", "trivia", "--lengths", "1k")]
    [InlineData("no length", "eval", "models/qwen3-nano", "--tasks", "perplexity", "--lengths", "many")]
    [InlineData("--out", "import", "models/qwen3-nano")]
    [InlineData("--max-tokens'\n  where: halo generate\n", "generate", "models/qwen3-nano", "--prompt", "x", "--max-tokens", "many")]
    [InlineData("--nonsense", "bench", "inference", "models/qwen3-nano", "--nonsense")]
    [InlineData("no such folder", "chat", "/nowhere/at/all")]
    [InlineData("where: --dtype", "generate", "models/qwen3-nano", "--prompt", "x", "--dtype", "int3")]
    [InlineData("where: --limit", "eval", "models/qwen3-nano", "--tasks", "niah_single_1", "--limit", "0")]
    public async Task BadInputIsOneMessageAndExitCodeOne(string expected, params string[] line)
    {
        (int code, string output, string error) = await Run([.. line.Select(word => word.StartsWith("models/", StringComparison.Ordinal) ? Path.Combine(Root, word) : word)]);
        Assert.Equal(1, code);
        Assert.Contains(expected, error);
        Assert.Empty(output);
        Assert.False(Directory.Exists("/tmp/halo-none"));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task EveryCommandHasHelpWithExamples(string command)
    {
        (int code, string output, _) = await Run(command, "--help");
        Assert.Equal(0, code);
        Assert.Contains("Examples:", output);
    }

    private static async Task<(int Code, string Output, string Error)> Run(params string[] line)
    {
        (TextWriter oldOutput, TextWriter oldError) = (Console.Out, Console.Error);
        using var output = new StringWriter();
        using var error = new StringWriter();
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            int code = await CommandLineProgram.RunAsync(line);
            return (code, output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(oldOutput);
            Console.SetError(oldError);
        }
    }
}
