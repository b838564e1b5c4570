using System.IO.Compression;
using CsCheck;
using Halo.Core;
using Halo.Text.Data;
using ParquetSharp;
using Encoding = System.Text.Encoding;

namespace Halo.Text.Tests;

public sealed class DataTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-data-").FullName;
    private readonly ByteTokenizer _tokenizer = new();

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void EveryShapeOfCorpusGivesTheSameDocuments()
    {
        string[] texts = ["one\r\ntwo", "drei\n", "四"];
        string lines = string.Concat(texts.Select(text => System.Text.Json.JsonSerializer.Serialize(new { text, id = 1 }) + "\n"));
        byte[] bytes = Encoding.UTF8.GetBytes(lines);
        File.WriteAllBytes(Path_("a.jsonl"), bytes);
        using (var gzip = new GZipStream(File.Create(Path_("b.jsonl.gz")), CompressionMode.Compress))
        {
            gzip.Write(bytes);
        }

        using (var brotli = new BrotliStream(File.Create(Path_("c.jsonl.br")), CompressionMode.Compress))
        {
            brotli.Write(bytes);
        }

        using (var zstd = new ZstdSharp.CompressionStream(File.Create(Path_("d.jsonl.zst")), leaveOpen: false))
        {
            zstd.Write(bytes);
        }

        using (var parquet = new ParquetFileWriter(Path_("e.parquet"), [new Column<string>("id"), new Column<string>("text")]))
        {
            using RowGroupWriter group = parquet.AppendRowGroup();
            using (var column = group.NextColumn().LogicalWriter<string>())
            {
                column.WriteBatch(["1", "2", "3"]);
            }

            using (var column = group.NextColumn().LogicalWriter<string>())
            {
                column.WriteBatch(texts);
            }

            parquet.Close();
        }

        string[] expected = ["one\ntwo", "drei\n", "四"];
        foreach (string file in Directory.GetFiles(_folder))
        {
            Assert.Equal(expected, Corpus.Read(file).Select(document => document.Text));
        }

        Assert.Equal(15, Corpus.Read(_folder).Count());
        Assert.Equal("one\r\ntwo", Corpus.Read(Path_("a.jsonl"), normalizeNewlines: false).First().Text);
    }

    [Theory]
    [InlineData("a.jsonl", "{\"text\": 3}\n")]
    [InlineData("a.jsonl", "{\"text\": \"ok\"}\n{broken\n")]
    [InlineData("a.parquet", "no parquet")]
    [InlineData("a.jsonl.zst", "no zstd")]
    [InlineData("a.jsonl.gz", "no gzip")]
    public void BrokenFilesAreNamed(string name, string content)
    {
        File.WriteAllText(Path_(name), content);
        var error = Assert.Throws<HaloException>(() => Corpus.Read(Path_(name)).ToList());
        Assert.Contains(name, error.Where);
    }

    [Fact]
    public void MissingAndEmptyCorporaAreClearErrors()
    {
        Assert.Throws<HaloException>(() => Corpus.Read(Path_("nothing")).ToList());
        Assert.Throws<HaloException>(() => Corpus.Read(_folder).ToList());
        File.WriteAllText(Path_("a.txt"), "");
        Assert.Throws<HaloException>(() => TokenCache.Open(_folder, _tokenizer, new TokenCacheOptions(), Path_("cache"), NullRunLog.Instance));
        Assert.False(Directory.Exists(Path_("cache")) && Directory.EnumerateFiles(Path_("cache")).Any());
        File.WriteAllText(Path_("a.txt"), "short");
        using TokenStore store = TokenCache.Open(_folder, _tokenizer, new TokenCacheOptions(), Path_("cache"), NullRunLog.Instance).Training;
        Assert.Throws<HaloException>(() => new PackedRows(store, 100, false, 0));
    }

    [Fact]
    public void RowsAreAFunctionOfSeedAndNumberAndCoverTheText()
    {
        (TokenStore store, TokenStore? heldOut) = Store(documents: 50, heldOut: 0.1);
        using (store)
        using (heldOut)
        {
            Assert.Equal(45 - 1, store.Documents);
            Assert.Equal(6, heldOut!.Documents);
            var rows = new PackedRows(store, 32, segments: true, seed: 5);
            TokenBatch all = rows.Read(0, (int)rows.RowsPerEpoch);
            TokenBatch again = new PackedRows(store, 32, segments: true, seed: 5).Read(7, 3);
            Assert.Equal(all.Ids[(7 * 33)..(10 * 33)], again.Ids);
            Assert.NotEqual(all.Ids, new PackedRows(store, 32, true, seed: 6).Read(0, (int)rows.RowsPerEpoch).Ids);
            Assert.NotEqual(all.Ids, rows.Read(rows.RowsPerEpoch, (int)rows.RowsPerEpoch).Ids);
            Assert.True(rows.RowsPerEpoch * 32 > store.Count - 65);
            for (int i = 0; i + 1 < all.Ids.Length; i++)
            {
                bool sameRow = (i + 1) % 33 != 0;
                if (sameRow)
                {
                    Assert.Equal(all.Ids[i] == 256 ? 1 : 0, all.Segments![i + 1] - all.Segments[i]);
                }
            }
        }
    }

    [Fact]
    public void TheSecondOpeningReadsTheCache()
    {
        Store(5, 0).Training.Dispose();
        string file = Directory.GetFiles(Path_("cache"), "*.tokens").Single();
        DateTime written = File.GetLastWriteTimeUtc(file);
        using TokenStore store = TokenCache.Open(Path_("text"), _tokenizer, new TokenCacheOptions(), Path_("cache"), NullRunLog.Instance).Training;
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));
        Assert.StartsWith("document 0", _tokenizer.Decode(store.Document(0)));
    }

    [Fact]
    public void PermutationsAreBijections() =>
        Gen.Select(Gen.Int[1, 3000], Gen.Long, Gen.Long).Sample((count, seed, epoch) =>
        {
            var permutation = new Permutation(count, seed, epoch);
            return Enumerable.Range(0, count).Select(index => permutation[index]).Distinct().Count() == count;
        }, iter: 50);

    [Fact]
    public void MixturesKeepTheirProportionsAndReadEverySourceInOrder()
    {
        using TokenStore store = Store(50, 0).Training;
        var rows = new PackedRows(store, 8, false, 1);
        var mixed = new MixedRows([(rows, 3), (rows, 1)], 9);
        var seen = new List<long>[] { [], [] };
        for (int row = 0; row < 4000; row++)
        {
            (int source, long number) = mixed.Place(row);
            seen[source].Add(number);
        }

        Assert.Equal(3000, seen[0].Count);
        Assert.All(seen, numbers => Assert.Equal(Enumerable.Range(0, numbers.Count).Select(number => (long)number), numbers.Order()));
    }

    [Fact]
    public void RecallRowsAreDeterministicMarkTheirAnswersAndNeverUseTestKeys()
    {
        var options = new RecallOptions { MinDocument = 200, MaxDocument = 3000 };
        TokenBatch batch = new RecallRows(_tokenizer, options, 4096, 256, segments: true, seed: 3).Read(0, 20);
        TokenBatch again = new RecallRows(_tokenizer, options, 4096, 256, segments: true, seed: 3).Read(11, 2);
        Assert.Equal(batch.Ids[(11 * 4097)..(13 * 4097)], again.Ids);
        Assert.InRange(batch.Answers!.Count(answer => answer), 1000, batch.Ids.Length / 2);
        string text = _tokenizer.Decode(batch.Ids);
        Assert.Contains("special magic number", text);
        int keys = 0;
        foreach (System.Text.RegularExpressions.Match match in System.Text.RegularExpressions.Regex.Matches(text, "([a-z]+)-([a-z]+)"))
        {
            if (RecallWords.Adjectives.Contains(match.Groups[1].Value) && RecallWords.Nouns.Contains(match.Groups[2].Value))
            {
                keys++;
                Assert.False(RecallWords.IsTest(match.Groups[1].Value, match.Groups[2].Value), match.Value);
            }
        }

        Assert.True(keys > 100);
        Assert.True(RecallWords.IsTest(RecallWords.Key(new CounterRandom(1, 1), test: true).Split('-')[0], RecallWords.Key(new CounterRandom(1, 1), test: true).Split('-')[1]));
    }

    private (TokenStore Training, TokenStore? HeldOut) Store(int documents, double heldOut)
    {
        Directory.CreateDirectory(Path_("text"));
        for (int i = 0; i < documents; i++)
        {
            File.WriteAllText(Path_($"text/{i:000}.txt"), $"document {i} " + string.Concat(Enumerable.Range(0, (i % 7) + 3).Select(n => $"{i * n} ")));
        }

        return TokenCache.Open(Path_("text"), _tokenizer, new TokenCacheOptions(heldOut), Path_("cache"), NullRunLog.Instance);
    }

    private string Path_(string name) => Path.Combine(_folder, name);
}
