using Halo.Core;
using Halo.Text.Data;

namespace Halo.Text.Tests;

public sealed class CorpusFormatTests : IDisposable
{
    private const string Line = "{\"text\": \"from json\"}\n";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.jsonl")]
    [InlineData("a.json")]
    [InlineData("a.ndjson")]
    [InlineData("a.JSONL")]
    [InlineData("a.jsonl.gz")]
    [InlineData("a.jsonl.zst")]
    [InlineData("a.jsonl.br")]
    [InlineData("a.json.gz")]
    [InlineData("c4-train.00000-of-01024.json.zst")]
    public void JsonIsToldByTheNameOfTheFile(string name)
    {
        _folder.Write(name, Line);
        Assert.Equal("from json", Corpus.Read(_folder.Root).Single().Text);
        Assert.Equal("from json", Corpus.Read(_folder[name]).Single().Text);
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("notes.json.txt")]
    [InlineData("a.txt.gz")]
    [InlineData("a.txt.br")]
    [InlineData("a.txt.zst")]
    [InlineData("about.jsonl.md")]
    [InlineData("set.json.d/a.txt")]
    [InlineData("set.jsonl/a.parquet.txt")]
    public void TextIsTextWhateverElseThePathSays(string name)
    {
        _folder.Write(name, Line);
        Assert.Equal(Line, Corpus.Read(_folder.Root).Single().Text);
        Assert.Equal(Line, Corpus.Read(_folder[name]).Single().Text);
    }

    [Fact]
    public void OtherFilesAreTextWhenNamedAndPassedOverInFolders()
    {
        Assert.Equal("x", Corpus.Read(_folder.Write("README", "x")).Single().Text);
        Assert.Throws<HaloException>(() => Corpus.Read(_folder.Root).ToList());
    }

    [Theory]
    [InlineData("a.txt.xz")]
    [InlineData("a.zip")]
    [InlineData("a.tar.gz")]
    [InlineData("a.parquet.gz")]
    public void ArchivesAreRefusedByName(string name)
    {
        var error = Assert.Throws<HaloException>(() => Corpus.Read(_folder.Write(name, "x")).ToList());
        Assert.Equal(_folder[name], error.Where);
        Assert.Contains("unpack", error.Remedy);
    }
}
