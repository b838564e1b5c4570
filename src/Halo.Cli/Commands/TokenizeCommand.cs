using System.CommandLine;
using Halo.Core;

namespace Halo.Cli.Commands;

/// <summary><c>halo tokenize MODEL --jsonl IN --out OUT</c>.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder; tokenizer files suffice." };
        var input = new Option<string>("--jsonl") { Description = "Records, one JSON object a line: with text, or with messages (and tools, add_generation_prompt or any other variable of the chat template).", Required = true };
        var output = new Option<string>("--out") { Description = "Where the records go, each with its ids; those with messages also with the rendered text, or with the error that the template gave.", Required = true };
        var command = new Command("tokenize", "Adds token ids to the records of a jsonl file; conversations are rendered by the model's chat template first.") { model, input, output }
            .WithExamples("halo tokenize models/qwen3-nano --jsonl texts.jsonl --out ids.jsonl");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            var records = new RecordTokenizer(parse.GetRequiredValue(model));
            string source = parse.GetRequiredValue(input);
            if (!File.Exists(source))
            {
                throw new HaloException("there is no such file", source, "give a jsonl file");
            }

            AtomicFile.Write(parse.GetRequiredValue(output), stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
                long number = 0;
                foreach (string line in File.ReadLines(source))
                {
                    cancellation.ThrowIfCancellationRequested();
                    number++;
                    if (line.Length > 0)
                    {
                        writer.WriteLine(records.Tokenize(line, $"{source}:{number}"));
                    }
                }
            });
            return 0;
        });
        return command;
    }
}
