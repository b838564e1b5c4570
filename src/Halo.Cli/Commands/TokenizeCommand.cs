using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Text;

namespace Halo.Cli.Commands;

/// <summary><c>halo tokenize MODEL --jsonl IN --out OUT</c>.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Model folder; tokenizer files suffice." };
        var input = new Option<string>("--jsonl") { Description = "Records with a key text, one JSON object a line.", Required = true };
        var output = new Option<string>("--out") { Description = "Where the records go, each with its ids.", Required = true };
        var command = new Command("tokenize", "Adds token ids to the records of a jsonl file.") { model, input, output }
            .WithExamples("halo tokenize models/qwen3-nano --jsonl texts.jsonl --out ids.jsonl");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            var tokenizer = HuggingFaceTokenizer.Load(parse.GetRequiredValue(model));
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
                        writer.WriteLine(Tokenize(line, tokenizer, $"{source}:{number}").ToJsonString(HaloJson.Line));
                    }
                }
            });
            return 0;
        });
        return command;
    }

    private static JsonObject Tokenize(string line, ITokenizer tokenizer, string where)
    {
        JsonObject? entry;
        try
        {
            entry = JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException error)
        {
            throw new HaloException($"the line is no JSON ({error.Message.TrimEnd('.')})", where, "give one JSON object a line", error);
        }

        if (entry?["text"] is not JsonValue value || !value.TryGetValue(out string? text))
        {
            throw new HaloException("the record has no string 'text'", where, "give one JSON object with a key text a line");
        }

        var ids = new JsonArray();
        foreach (int id in tokenizer.Encode(text))
        {
            ids.Add(id);
        }

        entry["ids"] = ids;
        return entry;
    }
}
