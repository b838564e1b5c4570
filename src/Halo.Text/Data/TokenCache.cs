using System.Security.Cryptography;
using System.Text;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>
/// Tokenizes a corpus once into a training and a held-out <see cref="TokenStore"/> on disk. The name of the files is a hash of the
/// corpus files (name, size, time), the tokenizer and the options, so that a change of any makes a new cache.
/// </summary>
public static class TokenCache
{
    private const int Version = 2;
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    /// <summary>Opens the stores of a corpus, tokenizing it first where that was not done, or where its files are missing or damaged.</summary>
    /// <param name="path">File or folder of text.</param>
    /// <param name="tokenizer">Tokenizer.</param>
    /// <param name="options">Options.</param>
    /// <param name="folder">Where caches lie.</param>
    /// <param name="log">Told of progress.</param>
    /// <param name="cancellation">Stops tokenizing; nothing is left behind.</param>
    /// <returns>The training store, and the held-out one (null when nothing is held out).</returns>
    /// <exception cref="HaloException">The corpus is unreadable or empty, or the folder cannot be written.</exception>
    public static (TokenStore Training, TokenStore? HeldOut) Open(string path, ITokenizer tokenizer, TokenCacheOptions options, string folder, IRunLog log, CancellationToken cancellation = default)
    {
        int width = tokenizer.VocabularySize <= 1 << 16 ? 2 : 4;
        string name = Path.Combine(folder, Key(path, tokenizer, options));
        if (TryOpen(name, width, log) is { } found)
        {
            return found;
        }

        Prepare(folder, name);
        new TokenCacheBuilder(path, tokenizer, options, width, log, cancellation).Build(Training(name), HeldOut(name));
        TokenCacheSeal.Of(path, Training(name), HeldOut(name)).Write(Seal(name));
        return TryOpen(name, width, log) ?? throw new HaloException("the token cache cannot be read back", name, "check the disk, or choose another output folder");
    }

    private static string Training(string name) => name + ".train.tokens";

    private static string HeldOut(string name) => name + ".held-out.tokens";

    private static string Seal(string name) => name + ".done";

    private static (TokenStore Training, TokenStore? HeldOut)? TryOpen(string name, int width, IRunLog log)
    {
        if (TokenCacheSeal.Read(Seal(name)) is not { } seal)
        {
            return null;
        }

        TokenStore? training = null;
        try
        {
            if (seal != TokenCacheSeal.Of(seal.Source, Training(name), HeldOut(name)))
            {
                throw new InvalidDataException("a file is missing or of another length");
            }

            training = TokenStore.Open(Training(name), width);
            return (training, seal.HeldOut > 0 ? TokenStore.Open(HeldOut(name), width) : null);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            training?.Dispose();
            log.Message($"the token cache {name} is damaged ({error.Message.TrimEnd('.')}) and made anew");
            return null;
        }
    }

    /// <summary>Makes the folder, and removes an old seal and what a killed process left half-written (a live one writes all the time).</summary>
    private static void Prepare(string folder, string name)
    {
        try
        {
            Directory.CreateDirectory(folder);
            File.Delete(Seal(name));
            foreach (string left in Directory.GetFiles(folder, Path.GetFileName(name) + "*.partial").Where(file => DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > Abandoned))
            {
                File.Delete(left);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the folder of token caches cannot be written ({error.Message.TrimEnd('.')})", folder, "check its permissions, or choose another output folder", error);
        }
    }

    private static string Key(string path, ITokenizer tokenizer, TokenCacheOptions options)
    {
        var text = new StringBuilder($"{Version}\n").AppendLine(options.ToString()).AppendLine($"{options.DocumentEndId(tokenizer)}").AppendLine((tokenizer as HuggingFaceTokenizer)?.Fingerprint ?? $"{tokenizer.GetType().FullName} {tokenizer.VocabularySize}");
        foreach (string file in Corpus.Files(path))
        {
            var info = new FileInfo(file);
            text.AppendLine($"{Path.GetFullPath(file)} {info.Length} {info.LastWriteTimeUtc.Ticks}");
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..24];
    }
}
