using System.Text.Json;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>What is written last of a token cache (<c>NAME.done</c>): how long its files must be. A cache without it, or of another length, is made anew.</summary>
/// <param name="Source">The corpus, for people.</param>
/// <param name="Training">Bytes of the training tokens.</param>
/// <param name="TrainingIndex">Bytes of their index.</param>
/// <param name="HeldOut">Bytes of the held-out tokens; 0: nothing is held out.</param>
/// <param name="HeldOutIndex">Bytes of their index.</param>
internal sealed record TokenCacheSeal(string Source, long Training, long TrainingIndex, long HeldOut, long HeldOutIndex)
{
    /// <summary>The seal for files that lie there.</summary>
    public static TokenCacheSeal Of(string source, string training, string heldOut) =>
        new(source, Length(training), Length(TokenStore.IndexOf(training)), Length(heldOut), Length(TokenStore.IndexOf(heldOut)));

    /// <summary>Reads a seal; null when there is none or it is no seal.</summary>
    public static TokenCacheSeal? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<TokenCacheSeal>(File.ReadAllText(path), HaloJson.Line) : null;
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes the seal.</summary>
    public void Write(string path) => AtomicFile.WriteAllText(path, JsonSerializer.Serialize(this, HaloJson.Line) + "\n");

    private static long Length(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;
}
