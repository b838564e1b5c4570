using Halo.Core;
using Halo.Testing;

namespace Halo.Text.Tests;

public class TokenizerTruncationTests
{
    [Fact]
    public void ThePrefixOfATokenizerIsATokenizer()
    {
        string source = Path.GetDirectoryName(Golden.Path("tokenizer/qwen3/tokenizer.json"))!;
        string target = Directory.CreateTempSubdirectory("halo-truncation-").FullName;
        TokenizerTruncation.Write(source, target, 500, ["<|endoftext|>", "<|im_start|>"]);
        var small = HuggingFaceTokenizer.Load(target);
        Assert.Equal(758, small.VocabularySize);
        Assert.Equal(756, small.DocumentEndId);
        const string text = "Naïve readers, 1813: “the” truth 🙂<|endoftext|>";
        int[] ids = small.Encode(text);
        Assert.Equal(756, ids[^1]);
        Assert.Equal(text, small.Decode(ids));
        Assert.True(ids.Length > HuggingFaceTokenizer.Load(source).Encode(text).Length);
        Assert.Throws<HaloException>(() => TokenizerTruncation.Write(source, target, 1 << 20, ["<|endoftext|>"]));
        Directory.Delete(target, true);
    }
}
