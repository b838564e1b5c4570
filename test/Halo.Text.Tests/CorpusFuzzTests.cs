using CsCheck;
using Halo.Core;
using Halo.Text.Data;
using ParquetSharp;
using Encoding = System.Text.Encoding;

namespace Halo.Text.Tests;

/// <summary>
/// Random damage to corpus files: flipped bits, runs overwritten, cut, doubled or inserted. Whatever it is, reading ends with documents or a
/// <see cref="HaloException"/>; formats with a check sum never give another text. Inputs by default, in all: 12,000; the environment variable
/// HALO_TEST_FUZZ multiplies them.
/// </summary>
public sealed class CorpusFuzzTests : IDisposable
{
    private static readonly int Factor = int.TryParse(Environment.GetEnvironmentVariable("HALO_TEST_FUZZ"), out int factor) ? factor : 1;
    private static readonly Gen<(int Kind, double Place, int Length, byte[] Bytes)> Damage =
        Gen.Select(Gen.Int[0, 4], Gen.Double[0, 1], Gen.Int[1, 40], Gen.Byte.Array[1, 24]);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.txt", false)]
    [InlineData("a.jsonl", false)]
    [InlineData("a.jsonl.br", false)]
    [InlineData("a.jsonl.gz", true)]
    [InlineData("a.jsonl.zst", true)]
    public void DamagedTextGivesDocumentsOrAnError(string name, bool summed)
    {
        byte[] whole = TemporaryFolder.Pack(name, Encoding.UTF8.GetBytes(string.Concat(Texts().Select(text => System.Text.Json.JsonSerializer.Serialize(new { id = 7, text }) + "\n"))));
        Fuzz(name, whole, summed, 1500);
    }

    [Theory]
    [InlineData(Compression.Uncompressed)]
    [InlineData(Compression.Snappy)]
    [InlineData(Compression.Zstd)]
    public void DamagedParquetGivesDocumentsOrAnError(Compression compression) =>
        Fuzz("a.parquet", ParquetFiles.Of("text", Texts(), compression), false, 1500);

    private static string[] Texts()
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, 60).Select(i => string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => $"word{random.Next(300)} é四 ")))];
    }

    private void Fuzz(string name, byte[] whole, bool summed, int count)
    {
        string[] expected = [.. Corpus.Read(_folder.WriteBytes(name, whole)).Select(document => document.Text)];
        Assert.Equal(Texts().Count(text => text.Length > 0) * (Path.GetExtension(name) == ".txt" ? 0 : 1) + (Path.GetExtension(name) == ".txt" ? 1 : 0), expected.Length);
        int refused = 0;
        Damage.Array[1, 3].Sample(
            damages =>
            {
                byte[] damaged = damages.Aggregate(whole, Apply);
                string path = _folder.WriteBytes(name, damaged);
                try
                {
                    string[] texts = [.. Corpus.Read(path).Select(document => document.Text)];
                    Assert.True(!summed || Prefix(expected, texts) || damaged.AsSpan().SequenceEqual(whole) || Doubled(expected, texts), "another text was read");
                }
                catch (HaloException error)
                {
                    Assert.StartsWith(path, error.Where);
                    Assert.NotNull(error.Remedy);
                    refused++;
                }
            },
            iter: count * Factor,
            threads: 1);
        Assert.True(refused > count / 20, $"only {refused} inputs were refused");
    }

    private static bool Prefix(string[] expected, string[] texts) => expected.SequenceEqual(texts);

    // A whole member or frame written twice is a valid file.
    private static bool Doubled(string[] expected, string[] texts) => texts.Length % expected.Length == 0 && texts.Chunk(expected.Length).All(part => part.SequenceEqual(expected));

    private static byte[] Apply(byte[] bytes, (int Kind, double Place, int Length, byte[] Bytes) damage)
    {
        if (bytes.Length < 2)
        {
            return bytes;
        }

        int at = Math.Min(bytes.Length - 1, (int)(damage.Place * bytes.Length));
        int length = Math.Min(damage.Length, bytes.Length - at);
        switch (damage.Kind)
        {
            case 0:
                byte[] flipped = [.. bytes];
                flipped[at] ^= (byte)(1 << (damage.Length % 8));
                return flipped;
            case 1:
                byte[] overwritten = [.. bytes];
                damage.Bytes.AsSpan(0, Math.Min(damage.Bytes.Length, bytes.Length - at)).CopyTo(overwritten.AsSpan(at));
                return overwritten;
            case 2:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 3:
                return [.. bytes[..at], .. damage.Bytes, .. bytes[at..]];
            default:
                return [.. bytes[..(at + length)], .. bytes[at..]];
        }
    }
}
