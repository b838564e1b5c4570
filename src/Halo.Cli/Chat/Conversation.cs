using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Text;

namespace Halo.Cli.Chat;

/// <summary>The messages of a conversation and the session that answers them.</summary>
internal sealed class Conversation(ChatTemplate template, ITokenizer tokenizer, ChatSession session, ChatSettings settings)
{
    private const string ThoughtBegins = "<think>";
    private const string ThoughtEnds = "</think>";
    private readonly List<(string Role, string Content)> _messages = [.. First(settings)];

    /// <summary>Ids of the last prompt, and how many of them were remembered.</summary>
    public (int Prompt, int Reused) LastTurn { get; private set; }

    /// <summary>Asks; the answer goes to the printer as it comes. An answer that fails, or is stopped before its first word, leaves the conversation as it was.</summary>
    /// <returns>How many ids were written.</returns>
    public int Ask(string question, ThoughtPrinter printer, CancellationToken stop)
    {
        _messages.Add(("user", question));
        bool answered = false;
        try
        {
            string plain = Render(false);
            string text = Render(true);
            int[] prompt = tokenizer.Encode(text);
            int stable = prompt.Zip(tokenizer.Encode(plain)).TakeWhile(pair => pair.First == pair.Second).Count();
            bool thinks = text.LastIndexOf(ThoughtBegins, StringComparison.Ordinal) is var begin && begin >= CommonLength(plain, text) && text.IndexOf(ThoughtEnds, begin, StringComparison.Ordinal) < 0;
            if (thinks)
            {
                printer.BeginThought();
            }

            StreamDecoder stream = tokenizer.Stream(skipSpecialTokens: true);
            var answer = new StringBuilder(thinks ? ThoughtBegins + "\n" : "");
            void Write(string piece)
            {
                answer.Append(piece);
                printer.Write(piece);
            }

            int[] ids = session.Continue(prompt, settings.Options, stable, id => Write(stream.Push(id)), stop);
            Write(stream.End());
            printer.End();
            LastTurn = (prompt.Length, session.Reused);
            if (ids.Length == 0 && stop.IsCancellationRequested)
            {
                return 0; // Stopped before the first word: as if nothing had been asked.
            }

            _messages.Add(("assistant", answer.ToString() + (printer.Thinks ? $"\n{ThoughtEnds}\n\n" : "")));
            answered = true;
            return ids.Length;
        }
        finally
        {
            if (!answered)
            {
                _messages.RemoveAt(_messages.Count - 1);
            }
        }
    }

    /// <summary>Begins anew, with the same system message.</summary>
    public void Reset()
    {
        session.Reset();
        _messages.Clear();
        _messages.AddRange(First(settings));
    }

    /// <summary>Writes the conversation as a record that <c>halo tokenize</c> reads.</summary>
    /// <exception cref="HaloException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteAllText(path, Record(false).ToJsonString(HaloJson.Line) + "\n");

    private static IEnumerable<(string Role, string Content)> First(ChatSettings settings) => settings.System is { } system ? [("system", system)] : [];

    private static int CommonLength(string left, string right) => left.AsSpan().CommonPrefixLength(right);

    private string Render(bool prompts) => template.Render(JsonSerializer.SerializeToElement(Record(prompts)));

    private JsonObject Record(bool prompts)
    {
        var record = new JsonObject
        {
            ["messages"] = new JsonArray([.. _messages.Select(message => new JsonObject { ["role"] = message.Role, ["content"] = message.Content })]),
        };
        if (prompts)
        {
            record["add_generation_prompt"] = true;
        }

        if (settings.Thinking is { } thinking)
        {
            record["enable_thinking"] = thinking;
        }

        return record;
    }
}
