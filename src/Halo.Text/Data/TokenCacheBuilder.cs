using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Tokenizes a corpus into the files of a token cache. Memory is bounded by a batch, not by the corpus.</summary>
internal sealed class TokenCacheBuilder(string path, ITokenizer tokenizer, TokenCacheOptions options, int width, IRunLog log, CancellationToken cancellation)
{
    private const long BatchCharacters = 16 << 20;

    /// <summary>Writes both token files and their indices; on failure none of them is left.</summary>
    /// <exception cref="HaloException">The corpus is unreadable or empty, or the files cannot be written.</exception>
    public void Build(string training, string heldOut)
    {
        TokenSink? kept = null, held = null;
        int documents = 0;
        try
        {
            AtomicFile.Write(heldOut, heldStream => AtomicFile.Write(training, stream =>
            {
                int end = options.DocumentEndId(tokenizer);
                (kept, held) = (new TokenSink(stream, width, end), new TokenSink(heldStream, width, end));
                documents = Fill(kept, held);
            }));
            WriteIndex(training, kept!.Starts);
            if (held!.Tokens > 0)
            {
                WriteIndex(heldOut, held.Starts);
            }
            else
            {
                File.Delete(heldOut);
            }
        }
        catch
        {
            foreach (string file in new[] { training, heldOut, TokenStore.IndexOf(training), TokenStore.IndexOf(heldOut) })
            {
                File.Delete(file);
            }

            throw;
        }

        string share = documents == 1 && held.Tokens > 0 ? "the tail of the only document" : $"{held.Starts.Count:N0} documents";
        log.Message($"tokenized {path}: {documents:N0} documents, {kept.Tokens:N0} tokens to train on, {held.Tokens:N0} held out ({share})");
    }

    private int Fill(TokenSink kept, TokenSink held)
    {
        int documents = 0;
        foreach (List<Document> batch in Batches(Corpus.Read(path, options.NormalizeNewlines)))
        {
            int[][] ids = Encode(batch);
            for (int i = 0; i < ids.Length; i++)
            {
                (options.IsHeldOut(documents) ? held : kept).Add(ids[i], batch[i].Continues);
                documents += batch[i].Continues ? 0 : 1;
            }

            log.Progress("tokenize", documents, 0, $"documents, {kept.Tokens:N0} tokens");
        }

        if (kept.Tokens == 0)
        {
            throw new HaloException("the corpus has no documents to train on", path, "give more text");
        }

        if (documents == 1 && options.HeldOut > 0)
        {
            kept.MoveTail(held, options.HeldOut);
        }

        return documents;
    }

    private int[][] Encode(List<Document> batch)
    {
        cancellation.ThrowIfCancellationRequested();
        var ids = new int[batch.Count][];
        try
        {
            Parallel.For(0, batch.Count, i =>
            {
                cancellation.ThrowIfCancellationRequested();
                ids[i] = tokenizer.Encode(batch[i].Text);
            });
        }
        catch (AggregateException error)
        {
            // What stopped one worker is what the user is told, not that there were several.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error.Flatten().InnerExceptions[0]);
        }

        return ids;
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

    private static void WriteIndex(string tokens, List<long> starts) =>
        AtomicFile.Write(TokenStore.IndexOf(tokens), stream => stream.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(starts))));
}
