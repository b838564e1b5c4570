using CsCheck;
using Halo.Text;

namespace Halo.Importing.Tests;

/// <summary>The tokenizer that an import writes of a SentencePiece vocabulary: "▁", a, b, ab, ▁ab, ba, aba, and all bytes.</summary>
public sealed class SentencePieceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-pieces-").FullName;
    private readonly HuggingFaceTokenizer _tokenizer;

    public SentencePieceTests()
    {
        string file = Path.Combine(_folder, "model.gguf");
        File.WriteAllBytes(file, TinyModel.Gguf("llama"));
        ModelImport.Run(file, Path.Combine(_folder, "out"));
        _tokenizer = HuggingFaceTokenizer.Load(Path.Combine(_folder, "out"));
    }

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("", "")]
    [InlineData("a", "▁ a")]
    [InlineData("ab", "▁ab")]
    [InlineData("ab ab", "▁ab ▁ab")]
    [InlineData(" ab", "▁ ▁ab")]
    [InlineData("aba", "▁ aba")]
    [InlineData("abab", "▁ aba b")]
    [InlineData("baab", "▁ ba ab")]
    [InlineData("é", "▁ <0xC3> <0xA9>")]
    [InlineData("a\nb", "▁ a <0x0A> b")]
    [InlineData("😀", "▁ <0xF0> <0x9F> <0x98> <0x80>")]
    [InlineData("<s>ab", "<s> ▁ab")]
    public void TextBecomesPieces(string text, string pieces)
    {
        int[] ids = _tokenizer.Encode(text);
        Assert.Equal(pieces, string.Join(' ', ids.Select(id => TinyModel.Pieces[id].Text)));
    }

    [Fact]
    public void EveryTextComesBackWholeAndInStream() => Gen.String[Gen.OneOf(Gen.Char["ab éß漢"], Gen.Char.AlphaNumeric), 0, 30].Sample(text =>
    {
        int[] ids = _tokenizer.Encode(text);
        Assert.Equal(text, _tokenizer.Decode(ids));
        StreamDecoder stream = _tokenizer.Stream();
        Assert.Equal(text, string.Concat(ids.Select(stream.Push)) + stream.End());
    }, iter: 2_000, threads: 1);

    [Fact]
    public void BeginningAndEndAreKnown() => Assert.Equal((1, 2, TinyModel.Pieces.Length), (_tokenizer.BosId, _tokenizer.EosId, _tokenizer.VocabularySize));
}
