using Halo.Core;
using Halo.Text.Data;
using ParquetSharp;
using Encoding = System.Text.Encoding;

namespace Halo.Text.Tests;

/// <summary>Files that are not what they should be: one error each, with what, where and what to do.</summary>
public sealed class CorpusDamageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(".gz")]
    [InlineData(".br")]
    [InlineData(".zst")]
    public void ACompressedFileCutAnywhereIsNeverReadShort(string ending)
    {
        var random = new Random(1);
        string text = string.Concat(Enumerable.Range(0, 120).Select(_ => $"line {random.Next(1000)}\n"));
        byte[] whole = TemporaryFolder.Pack(ending, Encoding.UTF8.GetBytes(text));
        Assert.Equal(text, Texts(_folder.WriteBytes("a.txt" + ending, whole)).Single());
        for (int length = 0; length < whole.Length; length++)
        {
            HaloException error = Fails(_folder.WriteBytes("a.txt" + ending, whole[..length]));
            Assert.Contains("truncated", error.What);
        }
    }

    [Theory]
    [InlineData(".gz", true)]
    [InlineData(".zst", true)]
    [InlineData(".br", false)]
    public void AFileMayBeSeveralCompressedOnesInARowWhereTheFormatHasThat(string ending, bool allowed)
    {
        byte[] part = TemporaryFolder.Pack(ending, "one line\n"u8.ToArray());
        string path = _folder.WriteBytes("a.txt" + ending, [.. part, .. part]);
        if (allowed)
        {
            Assert.Equal("one line\none line\n", Texts(path).Single());
            Fails(_folder.WriteBytes("a.txt" + ending, [.. part, .. part[..^1]]));
        }
        else
        {
            Fails(path);
        }
    }

    [Theory]
    [InlineData("[1, 2]\n", "no JSON object")]
    [InlineData("3\n", "no JSON object")]
    [InlineData("null\n", "no JSON object")]
    [InlineData("{\"body\": \"x\"}\n", "no string 'text'")]
    [InlineData("{\"text\": [\"x\"]}\n", "is no string")]
    [InlineData("{\"text\": \"x\", \"text\": null}\n", "is no string")]
    [InlineData("{\"text\": \"x\"\n", "no valid JSON")]
    [InlineData("{\"text\": \"x\"} {\"text\": \"y\"}\n", "no valid JSON")]
    [InlineData("{\"text\": \"\\ud800\"}\n", "no valid JSON")]
    public void ALineThatIsNoRecordIsNamedByItsNumber(string line, string what)
    {
        HaloException error = Fails(_folder.Write("a.jsonl", "{\"text\": \"fine\"}\n\n" + line));
        Assert.Contains(what, error.What);
        Assert.EndsWith("a.jsonl:3", error.Where);
        Fails(_folder.Write("b.jsonl.gz", line));
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.jsonl")]
    public void TextThatIsNoUtf8IsRefused(string name)
    {
        byte[] latin = [.. Encoding.UTF8.GetBytes("{\"text\": \"caf"), 0xe9, .. "\"}\n"u8];
        Assert.Contains("UTF-8", Fails(_folder.WriteBytes(name, latin)).What);
    }

    [Fact]
    public void AByteOrderMarkIsNoText()
    {
        Assert.Equal(["x"], Texts(_folder.Write("a.jsonl", "\ufeff{\"text\": \"x\"}\r\n")));
        Assert.Equal(["x"], Texts(_folder.Write("a.txt", "\ufeffx")));
    }

    [Fact]
    public void AColumnTextOfAnotherTypeOrNoneIsNamed()
    {
        Assert.Contains("no strings", Fails(_folder.WriteBytes("a.parquet", ParquetFiles.Of("text", new[] { 1, 2 }))).What);
        Fails(_folder.WriteBytes("a.parquet", ParquetFiles.Of("text", new[] { new[] { "x" } })));
        Assert.Contains("no column 'text'", Fails(_folder.WriteBytes("a.parquet", ParquetFiles.Of("body", new[] { "x" }))).What);
        Assert.Contains("UTF-8", Fails(_folder.WriteBytes("a.parquet", ParquetFiles.Of("text", new[] { new byte[] { 0xe9, 0x20 } }))).What);
        Assert.Equal(["x", "y"], Texts(_folder.WriteBytes("a.parquet", ParquetFiles.Of("text", new[] { "x", null, "", "y" }))));
        Assert.Equal(["x"], Texts(_folder.WriteBytes("a.parquet", ParquetFiles.Of("text", new[] { "x"u8.ToArray() }))));
    }

    [Fact]
    public void ATruncatedParquetFileIsRefused()
    {
        byte[] whole = ParquetFiles.Of("text", new[] { "one", "two" }, Compression.Zstd);
        for (int length = 0; length < whole.Length; length++)
        {
            Fails(_folder.WriteBytes("a.parquet", whole[..length]));
        }
    }

    [Fact]
    public void AFileThatCannotBeReadIsNamed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads a file of /proc that gives an input/output error");
        var error = Assert.Throws<HaloException>(() => Corpus.Read("/proc/self/mem").ToList());
        Assert.Contains("cannot be read", error.What);
        File.CreateSymbolicLink(_folder["a.txt"], "/proc/self/mem");
        Assert.Equal(_folder["a.txt"], Assert.Throws<HaloException>(() => Corpus.Read(_folder.Root).ToList()).Where);
    }

    [Fact]
    public void LinksToFoldersAreFollowedOnce()
    {
        _folder.Write("data/sub/a.txt", "x");
        _folder.Write("elsewhere/b.txt", "y");
        Directory.CreateSymbolicLink(_folder["data/sub/loop"], _folder["data"]);
        Directory.CreateSymbolicLink(_folder["data/sub/itself"], _folder["data/sub"]);
        Directory.CreateSymbolicLink(_folder["data/linked"], _folder["elsewhere"]);
        File.CreateSymbolicLink(_folder["data/c.txt"], _folder["elsewhere/b.txt"]);
        Assert.Equal(["c.txt", "b.txt", "a.txt"], Corpus.Files(_folder["data"]).Select(Path.GetFileName));
    }

    private static List<string> Texts(string path) => [.. Corpus.Read(path).Select(document => document.Text)];

    private static HaloException Fails(string path)
    {
        var error = Assert.Throws<HaloException>(() => Corpus.Read(path).ToList());
        Assert.StartsWith(path, error.Where);
        Assert.NotNull(error.Remedy);
        return error;
    }
}
