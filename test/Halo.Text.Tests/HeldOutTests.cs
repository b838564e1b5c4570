using Halo.Core;
using Halo.Text.Data;

namespace Halo.Text.Tests;

public sealed class HeldOutTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0.01, 1000, 990)]
    [InlineData(0.5, 1000, 500)]
    [InlineData(0.1, 7, 6)]
    public void OfTheOnlyDocumentTheTailIsHeldOut(double share, int length, int kept)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26))));
        _folder.Write("a.txt", text);
        (TokenStore training, TokenStore? heldOut) = _folder.Open("a.txt", share);
        using (training)
        using (heldOut)
        {
            var tokenizer = new ByteTokenizer();
            Assert.Equal((1, 1), (training.Documents, heldOut!.Documents));
            Assert.Equal(text[..kept], tokenizer.Decode(training.Document(0)));
            Assert.Equal(text[kept..], tokenizer.Decode(heldOut.Document(0)));
            Assert.Equal(length + 2, training.Count + heldOut.Count);
        }
    }

    [Fact]
    public void ADocumentOfOneTokenOrNoShareIsTrainedOnWhole()
    {
        _folder.Write("a.txt", "x");
        (TokenStore training, TokenStore? heldOut) = _folder.Open("a.txt", 0.5);
        training.Dispose();
        Assert.Null(heldOut);
        _folder.Write("b.txt", "xyz");
        (training, heldOut) = _folder.Open("b.txt");
        Assert.Equal(4, training.Count);
        training.Dispose();
        Assert.Null(heldOut);
    }

    [Fact]
    public void OfSeveralDocumentsWholeOnesAreHeldOut()
    {
        _folder.Write("a.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"text\": \"document {i}\"}}\n")));
        (TokenStore training, TokenStore? heldOut) = _folder.Open("a.jsonl", 0.1);
        using (training)
        using (heldOut)
        {
            var tokenizer = new ByteTokenizer();
            Assert.Equal(40, training.Documents + heldOut!.Documents);
            string[] all = [.. new[] { training, heldOut }.SelectMany(store => Enumerable.Range(0, store.Documents).Select(i => tokenizer.Decode(store.Document(i))))];
            Assert.Equal(Enumerable.Range(0, 40).Select(i => $"document {i}").Order(), all.Order());
        }
    }

    [Fact]
    public void TextThatOnlyAStageReadsIsHeldOutToo()
    {
        foreach (string name in new[] { "recipe.txt", "stage.txt" })
        {
            _folder.Write(name, string.Concat(Enumerable.Repeat(name + "\n", 100)));
        }

        var specification = new DataSpecification { Sources = [new() { Path = _folder["recipe.txt"] }], HeldOut = 0.2 };
        using var without = new DataSet(specification, [], new ByteTokenizer(), _folder["cache"], NullRunLog.Instance);
        using var with = new DataSet(specification, [], new ByteTokenizer(), _folder["cache"], NullRunLog.Instance)
        {
            StageSources = [new() { Path = _folder["stage.txt"] }, new() { Path = _folder["recipe.txt"] }],
        };
        Assert.Single(without.HeldOut(50));
        IReadOnlyList<PackedRows> rows = with.HeldOut(50);
        Assert.Equal(2, rows.Count);
        Assert.Equal(without.HeldOut(50)[0].Read(0, 1).Ids, rows[0].Read(0, 1).Ids);
        Assert.Contains("stage.txt", new ByteTokenizer().Decode(rows[1].Read(0, 1).Ids));
    }

    [Fact]
    public void HeldOutTextShorterThanARowSaysWhatToDo()
    {
        _folder.Write("a.txt", "just a few words");
        using var data = new DataSet(new DataSpecification { HeldOut = 0.1 }, [_folder["a.txt"]], new ByteTokenizer(), _folder["cache"], NullRunLog.Instance);
        Assert.Contains("larger share", Assert.Throws<HaloException>(() => data.HeldOut(64)).Remedy);
        Assert.Contains("a row needs 65", Assert.Throws<HaloException>(() => data.Training(64, false)).What);
    }
}
