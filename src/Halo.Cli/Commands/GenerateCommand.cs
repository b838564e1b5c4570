using System.CommandLine;
using Halo.Core;
using Halo.Inference;

namespace Halo.Cli.Commands;

/// <summary><c>halo generate MODEL --prompt P</c>.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder." };
        var prompt = new Option<string>("--prompt") { Description = "Text to continue.", Required = true };
        var maximum = new Option<int>("--max-tokens") { Description = "New tokens at most.", DefaultValueFactory = _ => 128 };
        var temperature = new Option<double>("--temperature") { Description = "0 takes the likeliest token each time.", DefaultValueFactory = _ => 0 };
        var topP = new Option<double>("--top-p") { Description = "Samples among the likeliest tokens whose probabilities sum to this.", DefaultValueFactory = _ => 1 };
        var seed = CommonOptions.Seed();
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("generate", "Continues a text.") { model, prompt, maximum, temperature, topP, seed, device, type, json }
            .WithExamples("halo generate models/hypenet-nano --prompt \"It was a dark night\" --max-tokens 60", "halo generate MODEL --prompt \"Once\" --temperature 0.8 --top-p 0.95 --seed 7");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            bool asJson = parse.GetValue(json);
            string text = parse.GetRequiredValue(prompt);
            using var loaded = LoadedModel.Load(parse.GetRequiredValue(model), parse.GetRequiredValue(device), parse.GetValue(type));
            int[] ids = loaded.Tokenizer.Encode(text);
            if (ids.Length == 0)
            {
                throw new HaloException("the prompt is empty", "--prompt", "give a text of at least one token");
            }

            var options = new GenerationOptions
            {
                MaxTokens = parse.GetValue(maximum),
                Temperature = parse.GetValue(temperature),
                TopP = parse.GetValue(topP),
                Seed = parse.GetValue(seed),
                StopIds = loaded.Tokenizer.EosId is { } end ? [end] : [],
            };
            var stream = loaded.Tokenizer.Stream(skipSpecialTokens: true);
            int[] generated = new Generator(loaded.Model).Generate([ids], options, cancellation, (_, id) =>
            {
                if (!asJson)
                {
                    Console.Out.Write(stream.Push(id));
                    Console.Out.Flush();
                }
            })[0];
            if (asJson)
            {
                JsonOutput.Write(new { prompt = text, text = loaded.Tokenizer.Decode(generated, skipSpecialTokens: true), ids = generated, prompt_tokens = ids.Length });
            }
            else
            {
                Console.Out.WriteLine(stream.End());
            }

            return 0;
        });
        return command;
    }
}
