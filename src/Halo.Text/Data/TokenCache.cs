using System.Runtime.InteropServices;
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
    private const long BatchCharacters = 16 << 20;

    /// <summary>Opens the stores of a corpus, tokenizing it first where that was not done.</summary>
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
        string training = name + ".train.tokens";
        string heldOut = name + ".held-out.tokens";
        if (!File.Exists(name + ".done"))
        {
            Build(path, tokenizer, options, training, heldOut, width, log, cancellation);
            AtomicFile.WriteAllText(name + ".done", path + "\n");
        }

        return (TokenStore.Open(training, width), File.Exists(heldOut) ? TokenStore.Open(heldOut, width) : null);
    }

    private static void Build(string path, ITokenizer tokenizer, TokenCacheOptions options, string training, string heldOut, int width, IRunLog log, CancellationToken cancellation)
    {
        int end = options.DocumentEndId(tokenizer);
        var starts = new List<long>();
        var heldStarts = new List<long>();
        var held = new List<int[]>();
        long tokens = 0;
        int number = 0;
        AtomicFile.Write(training, stream =>
        {
            foreach (List<Document> batch in Batches(Corpus.Read(path, options.NormalizeNewlines)))
            {
                cancellation.ThrowIfCancellationRequested();
                var ids = new int[batch.Count][];
                Parallel.For(0, batch.Count, i => ids[i] = tokenizer.Encode(batch[i].Text));
                foreach (int[] document in ids)
                {
                    if (options.IsHeldOut(number++))
                    {
                        held.Add(document);
                        continue;
                    }

                    starts.Add(tokens);
                    WriteIds(stream, document, end, width);
                    tokens += document.Length + 1;
                }

                log.Progress("tokenize", number, 0, $"documents, {tokens:N0} tokens");
            }
        });
        if (starts.Count == 0)
        {
            File.Delete(training);
            throw new HaloException("the corpus has no documents to train on", path, "give more text, or a smaller held_out share");
        }

        WriteIndex(training, starts);
        if (held.Count > 0)
        {
            long position = 0;
            AtomicFile.Write(heldOut, stream =>
            {
                foreach (int[] document in held)
                {
                    heldStarts.Add(position);
                    WriteIds(stream, document, end, width);
                    position += document.Length + 1;
                }
            });
            WriteIndex(heldOut, heldStarts);
        }

        log.Message($"tokenized {path}: {number:N0} documents, {tokens:N0} tokens to train on, {held.Count:N0} documents held out");
    }

    private static IEnumerable<List<Document>> Batches(IEnumerable<Document> documents)
    {
        var batch = new List<Document>();
        long size = 0;
        foreach (Document document in documents)
        {
            batch.Add(document);
            size += document.Text.Length;
            if (size >= BatchCharacters)
            {
                yield return batch;
                batch = [];
                size = 0;
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private static void WriteIds(Stream stream, int[] ids, int end, int width)
    {
        if (width == 4)
        {
            stream.Write(MemoryMarshal.AsBytes<int>([.. ids, end]));
            return;
        }

        var narrow = new ushort[ids.Length + 1];
        for (int i = 0; i < ids.Length; i++)
        {
            narrow[i] = (ushort)ids[i];
        }

        narrow[^1] = (ushort)end;
        stream.Write(MemoryMarshal.AsBytes<ushort>(narrow));
    }

    private static void WriteIndex(string tokens, List<long> starts) =>
        AtomicFile.Write(TokenStore.IndexOf(tokens), stream => stream.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(starts))));

    private static string Key(string path, ITokenizer tokenizer, TokenCacheOptions options)
    {
        var text = new StringBuilder("1\n").AppendLine(options.ToString()).AppendLine($"{options.DocumentEndId(tokenizer)}").AppendLine((tokenizer as HuggingFaceTokenizer)?.Fingerprint ?? $"{tokenizer.GetType().FullName} {tokenizer.VocabularySize}");
        foreach (string file in Corpus.Files(path))
        {
            var info = new FileInfo(file);
            text.AppendLine($"{Path.GetFullPath(file)} {info.Length} {info.LastWriteTimeUtc.Ticks}");
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..24];
    }
}
