using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Halo.Cli.Chat;
using Halo.Core;
using Halo.Inference;
using Halo.Text;

namespace Halo.Cli.Commands;

/// <summary><c>halo chat MODEL</c>.</summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder with a chat template." };
        var system = new Option<string?>("--system") { Description = "System message." };
        var sampling = new SamplingOptions(1024, fromModel: true);
        var noThinking = new Option<bool>("--no-thinking") { Description = "Tells the template enable_thinking=false." };
        var file = new Option<string?>("--chat-template") { Description = "Jinja file to use instead of the model's own template." };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var weights = CommonOptions.Weights();
        var cache = CommonOptions.Cache();
        var runner = CommonOptions.Runner();
        var command = new Command("chat", "Holds a conversation in the terminal, or with lines from a pipe: each line is a message. /help in it tells the rest.")
        {
            model, system, noThinking, file, device, type, weights, cache, runner,
        }.WithExamples("halo chat SmolLM2-135M-Instruct --system \"Answer briefly.\"", "halo chat Qwen3-1.7B --no-thinking --temperature 0.7 --top-p 0.8", "echo \"What is a hybrid model?\" | halo chat MODEL > answer.txt");
        sampling.AddTo(command);
        CommandRunner.HandleInteractive(command, parse =>
        {
            string folder = parse.GetRequiredValue(model);
            ChatTemplate template = parse.GetValue(file) is { } path ? ChatTemplate.Load(folder, path) : ChatTemplate.Load(folder);
            JsonObject defaults = Defaults(folder);
            var tokenizer = HuggingFaceTokenizer.Load(folder);
            GenerationOptions options = sampling.Read(parse, defaults) with { StopIds = StopIds(tokenizer, defaults["eos_token_id"]) };
            using InferenceEngine engine = CommonOptions.LoadEngine(
                folder, parse.GetRequiredValue(device), parse.GetValue(type), parse.GetRequiredValue(runner), parse.GetValue(weights), parse.GetValue(cache));
            using var session = new ChatSession(engine);
            var conversation = new Conversation(template, tokenizer, session, new ChatSettings(parse.GetValue(system), parse.GetValue(noThinking) ? false : null, options));
            bool dims = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel |= !Console.IsInputRedirected);
            return new ChatLoop(conversation, Console.In, Console.Out, Console.Error, !Console.IsInputRedirected, dims).Run();
        });
        return command;
    }

    private static JsonObject Defaults(string folder)
    {
        string path = Path.Combine(folder, "generation_config.json");
        return File.Exists(path) ? JsonFile.ReadObject(path, "mend the file") : [];
    }

    private static HashSet<int> StopIds(ITokenizer tokenizer, JsonNode? configured)
    {
        var result = new HashSet<int>();
        foreach (JsonNode? node in configured as JsonArray ?? [configured?.DeepClone()])
        {
            if (node is JsonValue value && value.TryGetValue(out int id))
            {
                result.Add(id);
            }
        }

        result.UnionWith(new[] { tokenizer.EosId, tokenizer.DocumentEndId }.OfType<int>());
        return result;
    }
}
