using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Cli.Chat;

/// <summary>Reads lines, answers them, and obeys the words that begin with a slash.</summary>
internal sealed class ChatLoop(Conversation conversation, TextReader input, TextWriter output, TextWriter error, bool isTerminal, bool dims)
{
    private const string Prompt = "> ";
    private const string Help = """
        /reset        forgets the conversation
        /save FILE    writes it as a record that halo tokenize reads
        /help         shows this
        /exit         ends; so does the end of the input
        A line that ends with \ goes on in the next. Ctrl-C stops an answer.
        """;

    /// <summary>Runs until /exit or the end of the input; returns the exit code, 1 if a piped message could not be answered.</summary>
    public int Run()
    {
        if (isTerminal)
        {
            error.WriteLine("/help tells what there is besides talking.");
        }

        int code = 0;
        while (Read() is { } line)
        {
            string text = line.Trim();
            try
            {
                if (text is "/exit" or "/quit")
                {
                    break;
                }

                if (text.Length > 0 && !Obey(text))
                {
                    Answer(line);
                }
            }
            catch (HaloException fault)
            {
                error.WriteLine($"halo: error: {fault.Message}");
                code = isTerminal ? 0 : 1;
            }
        }

        return code;
    }

    private string? Read()
    {
        string whole = "";
        while (true)
        {
            if (isTerminal)
            {
                output.Write(Prompt);
                output.Flush();
            }

            string? line = input.ReadLine();
            if (line is null)
            {
                return whole.Length > 0 ? whole : null;
            }

            if (!line.EndsWith('\\'))
            {
                return whole + line;
            }

            whole += line[..^1] + "\n";
        }
    }

    private bool Obey(string text)
    {
        string[] words = text.Split(' ', 2, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["/help"]:
                error.WriteLine(Help);
                return true;
            case ["/reset"]:
                conversation.Reset();
                return true;
            case ["/save"]:
                throw new HaloException("/save needs a file", remedy: "write /save FILE");
            case ["/save", var path]:
                conversation.Save(path);
                error.WriteLine($"saved to {path}");
                return true;
            default:
                return false;
        }
    }

    // Ctrl-C stops the answer; between answers it does nothing.
    private void Answer(string question)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        long began = Stopwatch.GetTimestamp();
        int count = conversation.Ask(question, new ThoughtPrinter(output, dims), stop.Token);
        output.WriteLine();
        if (isTerminal)
        {
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            (int prompt, int reused) = conversation.LastTurn;
            string line = string.Create(CultureInfo.InvariantCulture, $"[{prompt} tokens of conversation, {reused} remembered; {count} written in {seconds:0.0} s{(stop.IsCancellationRequested ? ", stopped" : "")}]");
            error.WriteLine(dims ? $"\u001b[2m{line}\u001b[22m" : line);
        }
    }
}
