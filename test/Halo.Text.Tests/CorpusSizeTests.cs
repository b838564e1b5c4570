using System.IO.Compression;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Text.Tests;

/// <summary>Files far larger than a document: memory stays bounded.</summary>
public sealed class CorpusSizeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.jsonl.gz", "{\"text\": \"", 200)]
    [InlineData("a.txt.gz", "", 1000)]
    [InlineData("a.jsonl.br", "{\"text\": \"", 1000)]
    [InlineData("a.txt.zst", "", 200)]
    public void ALineWithoutEndIsRefusedBeforeItFillsTheMemory(string name, string start, int megabytes)
    {
        using (FileStream file = File.Create(_folder[name]))
        using (Stream packer = Path.GetExtension(name) switch
        {
            ".gz" => new GZipStream(file, CompressionLevel.Optimal),
            ".br" => new BrotliStream(file, CompressionLevel.Fastest),
            _ => new ZstdSharp.CompressionStream(file),
        })
        {
            packer.Write(System.Text.Encoding.ASCII.GetBytes(start));
            var block = new byte[1 << 20];
            block.AsSpan().Fill((byte)'a');
            for (int i = 0; i < megabytes; i++)
            {
                packer.Write(block);
            }
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<HaloException>(() => Corpus.Read(_folder[name]).ToList());
        Assert.StartsWith(_folder[name], error.Where);
        Assert.Contains($"{Corpus.LongestDocument:N0}", error.What);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6L * Corpus.LongestDocument);
    }

    [Fact]
    public void ALongTextComesInPiecesThatTokenizeAsTheWhole()
    {
        var random = new Random(3);
        string[] words = ["word", " word", "\n", "\n\n", " \n", "\r\n", "1", "!?", "\n!", "'s", "é", "\u0301", " ", "  "];
        string text = string.Concat(Enumerable.Range(0, 5000).Select(_ => words[random.Next(words.Length)]));
        string path = _folder.Write("a.txt", text);
        var tokenizer = HuggingFaceTokenizer.Load(Path.GetDirectoryName(Halo.Testing.Golden.Path("tokenizer/qwen3/tokenizer.json"))!);
        foreach (int piece in new[] { 64, 300, 4096 })
        {
            List<Document> pieces = [.. TextPieces.Read(path, piece)];
            Assert.True(pieces.Count > text.Length / piece / 2);
            Assert.Equal(text, string.Concat(pieces.Select(document => document.Text)));
            Assert.Equal([.. Enumerable.Repeat(true, pieces.Count - 1), false], pieces.Select(document => document.Continues));
            Assert.Equal(tokenizer.Encode(text), pieces.SelectMany(document => tokenizer.Encode(document.Text)));
        }
    }

    [Fact]
    public void ATextOfManyPiecesIsOneDocumentInTheCache()
    {
        string text = string.Concat(Enumerable.Range(0, 1_700_000).Select(i => $"line {i}\n"));
        Assert.True(text.Length > TextPieces.Piece * 2);
        _folder.Write("text/a.txt", text);
        _folder.Write("text/b.txt", "second");
        (TokenStore store, _) = _folder.Open("text");
        using (store)
        {
            Assert.Equal(2, store.Documents);
            Assert.Equal(text.Length, store.Document(0).Length);
            Assert.Equal("second", new ByteTokenizer().Decode(store.Document(1)));
        }
    }
}
