using System.CommandLine;
using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Cli;

/// <summary>Runs the body of a command: signals become cancellation, errors become one message and an exit code.</summary>
internal static class CommandRunner
{
    /// <summary>Exit code of a run that a signal ended after its checkpoint was written.</summary>
    public const int Interrupted = 130;

    /// <summary>Lets <paramref name="command"/> run <paramref name="body"/>, which returns the exit code.</summary>
    public static void Handle(Command command, Func<ParseResult, CancellationToken, int> body) =>
        command.SetAction(parse => Run(cancellation => body(parse, cancellation)));

    /// <summary>As <see cref="Handle"/>, for a command that minds signals itself: SIGTERM ends it as it ends any program.</summary>
    public static void HandleInteractive(Command command, Func<ParseResult, int> body) => command.SetAction(parse => Guard(() => body(parse)));

    /// <summary>Runs a body under the error and signal rules of every command.</summary>
    public static int Run(Func<CancellationToken, int> body)
    {
        using var cancellation = new CancellationTokenSource();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true; // The body ends by itself, after writing what must not be lost.
            cancellation.Cancel();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        return Guard(() => body(cancellation.Token));
    }

    private static int Guard(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (HaloException error)
        {
            return Fail(error.Message);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("halo: stopped");
            return Interrupted;
        }
        catch (Exception error) when (IsOutOfMemory(error))
        {
            return Fail($"out of memory ({FirstLine(error.Message)})\n  do:    lower the batch (--batch, or micro_batch in the recipe), the row length or the context length, or switch recomputation on");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(error.Message);
        }
        catch (Exception error)
        {
            return Fail($"internal error: {error.GetType().Name}: {error.Message}\n{error.StackTrace}");
        }
    }

    private static bool IsOutOfMemory(Exception error) =>
        error is OutOfMemoryException
        || (error is ExternalException && (error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("allocate memory", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)));

    private static string FirstLine(string text) => text.Split('\n', 2)[0];

    /// <summary>Prints an error; returns the exit code that goes with it.</summary>
    public static int Fail(string message)
    {
        Console.Error.WriteLine($"halo: error: {message}");
        return 1;
    }
}
