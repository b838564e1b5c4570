namespace Halo.Evaluation.Tests;

public sealed class EncodedTextTests
{
    private const string Two = "ab\n<|endoftext|>\ncde\n<|endoftext|>\n";

    [Fact]
    public void DocumentsGetTheirBeginningWhereTheBorderIsNoToken()
    {
        EncodedText text = EncodedText.Encode(new AsciiTokenizer { BosId = 1 }, Two, null);
        Assert.Equal([1, 'a', 'b', 1, 'c', 'd', 'e'], text.Ids);
        Assert.Equal(5, text.Bytes(0, text.Ids.Length));
        Assert.Equal(0, text.Bytes(3, 4));
        Assert.Equal(2, text.Bytes(2, 5));
    }

    [Fact]
    public void NoMoreDocumentsAreReadThanNeeded() => Assert.Equal([1, 'a', 'b'], EncodedText.Encode(new AsciiTokenizer { BosId = 1 }, Two, 2).Ids);

    [Fact]
    public void WithoutABeginningTheTextIsTakenAsItStands() => Assert.Equal(Two.Select(character => (int)character), EncodedText.Encode(new AsciiTokenizer(), Two, null).Ids);
}
