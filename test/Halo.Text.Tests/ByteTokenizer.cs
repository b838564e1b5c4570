using System.Text;

namespace Halo.Text.Tests;

/// <summary>A tokenizer for tests: an id a byte, 256 ends documents.</summary>
internal sealed class ByteTokenizer : ITokenizer
{
    public int VocabularySize => 257;

    public int? BosId => null;

    public int? EosId => 256;

    public int? DocumentEndId => 256;

    public int[] Encode(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];

    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false) => Encoding.UTF8.GetString([.. ids.Where(id => id < 256).Select(id => (byte)id)]);

    public int? TokenId(string token) => token == "<end>" ? 256 : null;

    public StreamDecoder Stream(bool skipSpecialTokens = false) => throw new NotSupportedException();
}
