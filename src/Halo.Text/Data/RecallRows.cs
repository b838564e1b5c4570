namespace Halo.Text.Data;

/// <summary>Rows filled with synthetic recall documents; row r is a function of (seed, r). Keys of tests never occur.</summary>
public sealed class RecallRows : IRowSource
{
    private const int ProseTokensAtOnce = 1 << 15;
    private readonly ITokenizer _tokenizer;
    private readonly RecallOptions _options;
    private readonly RecallDocuments _documents;
    private readonly int _end;
    private readonly bool _segments;
    private readonly long _seed;

    /// <summary>Rows of <paramref name="rowLength"/> tokens and one more.</summary>
    /// <param name="tokenizer">Tokenizer.</param>
    /// <param name="options">What documents look like.</param>
    /// <param name="rowLength">T.</param>
    /// <param name="documentEnd">Id that ends documents.</param>
    /// <param name="segments">Whether rows tell their documents apart.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="prose">Text to hide needles in; null: invented sentences only.</param>
    public RecallRows(ITokenizer tokenizer, RecallOptions options, int rowLength, int documentEnd, bool segments, long seed, TokenStore? prose = null)
    {
        options.Validate("recall");
        _tokenizer = tokenizer;
        _options = options;
        _end = documentEnd;
        _segments = segments;
        _seed = seed;
        RowLength = rowLength;
        _documents = new RecallDocuments(options, prose is null ? null : (random, tokens) => Prose(prose, random, tokens));
    }

    /// <inheritdoc/>
    public int RowLength { get; }

    /// <inheritdoc/>
    public TokenBatch Read(long firstRow, int count)
    {
        int width = RowLength + 1;
        var ids = new int[count * width];
        var answers = new bool[ids.Length];
        int[]? segments = _segments ? new int[ids.Length] : null;
        Parallel.For(0, count, i => Fill(firstRow + i, ids.AsSpan(i * width, width), answers.AsSpan(i * width, width), segments is null ? [] : segments.AsSpan(i * width, width)));
        return new TokenBatch(ids, count, RowLength, segments, answers);
    }

    private void Fill(long row, Span<int> ids, Span<bool> answers, Span<int> segments)
    {
        var random = new CounterRandom(_seed, row);
        int place = 0;
        for (int document = 0; place < ids.Length; document++)
        {
            int longest = Math.Max(_options.MinDocument, Math.Min(_options.MaxDocument, ids.Length - place));
            double length = _options.MinDocument * Math.Pow((double)longest / _options.MinDocument, random.Unit());
            foreach ((string text, bool answer) in _documents.Write(random, (int)length).Pieces)
            {
                foreach (int id in _tokenizer.Encode(text))
                {
                    place = Put(place, id, answer, document, ids, answers, segments);
                }
            }

            place = Put(place, _end, false, document, ids, answers, segments);
        }
    }

    private static int Put(int place, int id, bool answer, int document, Span<int> ids, Span<bool> answers, Span<int> segments)
    {
        if (place < ids.Length)
        {
            ids[place] = id;
            answers[place] = answer;
            if (!segments.IsEmpty)
            {
                segments[place] = document;
            }
        }

        return place + 1;
    }

    private string? Prose(TokenStore store, CounterRandom random, int tokens)
    {
        int wanted = Math.Clamp(tokens, 1, ProseTokensAtOnce * 4);
        if (store.Count <= wanted)
        {
            return null;
        }

        var ids = new int[wanted];
        store.Read((long)(random.Unit() * (store.Count - wanted)), ids);
        return _tokenizer.Decode(ids, skipSpecialTokens: true).Replace("\ufffd", "", StringComparison.Ordinal);
    }
}
