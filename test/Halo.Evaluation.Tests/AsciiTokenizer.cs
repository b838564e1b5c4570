using Halo.Text;

namespace Halo.Evaluation.Tests;

/// <summary>One id a character; fits the tiny reference models' vocabulary of 151.</summary>
internal sealed class AsciiTokenizer : ITokenizer
{
    public const int End = 0;

    public int VocabularySize => 128;

    public int? BosId { get; init; }

    public int? EosId => End;

    public int? DocumentEndId => End;

    public int[] Encode(string text) => [.. text.Select(character => character < 128 ? character : '?')];

    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false) => string.Concat(ids.Where(id => id is > End and < 128).Select(id => (char)id));

    public int? TokenId(string token) => token.Length == 1 ? token[0] : null;

    public StreamDecoder Stream(bool skipSpecialTokens = false) => new Decoder();

    private sealed class Decoder : StreamDecoder
    {
        public override string Push(int id) => ((char)id).ToString();

        public override string End() => "";
    }
}
