namespace Halo.Text;

/// <summary>Text to token ids and back.</summary>
public interface ITokenizer
{
    /// <summary>One more than the greatest id.</summary>
    int VocabularySize { get; }

    /// <summary>Beginning-of-sequence id, where the tokenizer has one.</summary>
    int? BosId { get; }

    /// <summary>End-of-sequence id, where the tokenizer has one.</summary>
    int? EosId { get; }

    /// <summary>The id put between documents: <c>&lt;|endoftext|&gt;</c> where the vocabulary has it, else <see cref="EosId"/>.</summary>
    int? DocumentEndId { get; }

    /// <summary>Ids of a text; added tokens in the text are recognised, none are added.</summary>
    int[] Encode(string text);

    /// <summary>Text of ids; broken UTF-8 becomes U+FFFD, ids outside the vocabulary add nothing.</summary>
    string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false);

    /// <summary>Id of a token as it stands in the vocabulary or among the added tokens.</summary>
    int? TokenId(string token);

    /// <summary>A decoder that hands text out as soon as it is certain.</summary>
    StreamDecoder Stream(bool skipSpecialTokens = false);
}
