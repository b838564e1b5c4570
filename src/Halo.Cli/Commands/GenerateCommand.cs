using System.CommandLine;
using Halo.Core;
using Halo.Inference;
using Halo.Text;

namespace Halo.Cli.Commands;

/// <summary><c>halo generate MODEL --prompt P</c>.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder." };
        var prompt = new Option<string>("--prompt") { Description = "Text to continue; empty: from the tokenizer's BOS, where it has one.", Required = true };
        var sampling = new SamplingOptions(128, fromModel: false);
        var logProbabilities = new Option<int?>("--log-probabilities") { Description = "With --json: the log-probability of each new token, and of this many of the likeliest ones." };
        var save = new Option<string?>("--save") { Description = "File for what the model remembers of the prompt and the text, to go on from with --resume." };
        var resume = new Option<string?>("--resume") { Description = "File that --save wrote with the same model: the prompt goes on from there and costs its own tokens only." };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var weights = CommonOptions.Weights();
        var cache = CommonOptions.Cache();
        var runner = CommonOptions.Runner();
        var json = CommonOptions.Json();
        var command = new Command("generate", "Continues a text.") { model, prompt, logProbabilities, save, resume, device, type, weights, cache, runner, json }
            .WithExamples("halo generate models/hypenet-nano --prompt \"It was a dark night\" --max-tokens 60", "halo generate MODEL --prompt \"Once\" --temperature 0.8 --top-p 0.95 --seed 7", "halo generate MODEL --prompt \"A long text.\" --save text.safetensors", "halo generate MODEL --resume text.safetensors --prompt \" It goes on:\"");
        sampling.AddTo(command);
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            bool asJson = parse.GetValue(json);
            string text = parse.GetRequiredValue(prompt);
            string folder = parse.GetRequiredValue(model);
            var tokenizer = HuggingFaceTokenizer.Load(folder);
            int[] ids = tokenizer.Encode(text);
            if (ids.Length == 0 && tokenizer.BosId is { } beginning && parse.GetValue(resume) is null)
            {
                ids = [beginning];
            }

            if (ids.Length == 0)
            {
                throw new HaloException("the prompt is empty", "--prompt", "give a text of at least one token");
            }

            GenerationOptions options = sampling.Read(parse) with
            {
                StopIds = tokenizer.EosId is { } end ? [end] : [],
                LogProbabilities = asJson ? parse.GetValue(logProbabilities) : null,
            };
            using InferenceEngine engine = CommonOptions.LoadEngine(
                folder, parse.GetRequiredValue(device), parse.GetValue(type), parse.GetRequiredValue(runner), parse.GetValue(weights), parse.GetValue(cache));
            using Sequence sequence = engine.Create();
            if (parse.GetValue(resume) is { } kept)
            {
                using SequenceSnapshot snapshot = SequenceSnapshot.Load(kept);
                engine.Restore(sequence, snapshot);
            }

            var stream = tokenizer.Stream(skipSpecialTokens: true);
            GenerationResult result = engine.Generate(sequence, ids, options, token =>
            {
                if (!asJson)
                {
                    Console.Out.Write(stream.Push(token.Id));
                    Console.Out.Flush();
                }
            }, cancellation);
            if (asJson)
            {
                JsonOutput.Write(Answer(tokenizer, text, ids.Length, result, options.LogProbabilities is not null));
            }
            else
            {
                Console.Out.WriteLine(stream.End());
            }

            cancellation.ThrowIfCancellationRequested();
            if (parse.GetValue(save) is { } path)
            {
                KeepLast(engine, sequence, result);
                using SequenceSnapshot snapshot = engine.Snapshot(sequence);
                snapshot.Save(path);
            }

            return 0;
        });
        return command;
    }

    // The last token was chosen, not read; after a stop id all were read.
    private static void KeepLast(InferenceEngine engine, Sequence sequence, GenerationResult result)
    {
        if (result.Reason is EndReason.Length or EndReason.Caller)
        {
            engine.Read(sequence, result.Ids[^1..]);
        }
    }

    private static Dictionary<string, object> Answer(ITokenizer tokenizer, string prompt, int promptTokens, GenerationResult result, bool withLogProbabilities)
    {
        var answer = new Dictionary<string, object>
        {
            ["prompt"] = prompt,
            ["text"] = tokenizer.Decode(result.Ids, skipSpecialTokens: true),
            ["ids"] = result.Ids,
            ["prompt_tokens"] = promptTokens,
        };
        if (withLogProbabilities)
        {
            answer["log_probabilities"] = result.Tokens.Select(token => token.LogProbability);
            answer["top"] = result.Tokens.Select(token => token.Top.Select(one => new { id = one.Id, text = tokenizer.Decode([one.Id]), log_probability = one.LogProbability }));
        }

        return answer;
    }
}
