using Halo.Core;

namespace Halo.Text.Data;

/// <summary>The opened data of a run: token stores of every text source, and rows made of them.</summary>
public sealed class DataSet : IDisposable
{
    private readonly Dictionary<string, (TokenStore Training, TokenStore? HeldOut)> _stores = [];
    private readonly DataSpecification _specification;
    private readonly IReadOnlyList<string> _folders;
    private readonly string _cache;
    private readonly IRunLog _log;
    private readonly CancellationToken _cancellation;
    private readonly TokenCacheOptions _options;

    /// <summary>Prepares data; text is tokenized when it is first asked for.</summary>
    /// <param name="specification">The recipe's data section.</param>
    /// <param name="folders">Folders and files of --data, for sources without a path.</param>
    /// <param name="tokenizer">Tokenizer.</param>
    /// <param name="cache">Folder of token caches.</param>
    /// <param name="log">Told of progress.</param>
    /// <param name="cancellation">Stops tokenizing.</param>
    public DataSet(DataSpecification specification, IReadOnlyList<string> folders, ITokenizer tokenizer, string cache, IRunLog log, CancellationToken cancellation = default)
    {
        _specification = specification;
        _folders = folders;
        Tokenizer = tokenizer;
        _cache = cache;
        _log = log;
        _cancellation = cancellation;
        _options = new TokenCacheOptions(specification.HeldOut, specification.NormalizeNewlines, specification.DocumentEnd);
    }

    /// <summary>Sources that only a stage of the run has; their held-out text is measured on after the recipe's.</summary>
    public IReadOnlyList<SourceSpecification> StageSources { get; init; } = [];

    /// <summary>The tokenizer.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>Rows to train on.</summary>
    /// <param name="rowLength">T.</param>
    /// <param name="segments">Whether rows tell their documents apart (document masks).</param>
    /// <param name="sources">A stage's own sources; null: the recipe's.</param>
    /// <param name="salt">Added to the seed, so that stages read different rows.</param>
    /// <exception cref="HaloException">A source is missing, empty or shorter than a row.</exception>
    public IRowSource Training(int rowLength, bool segments, IReadOnlyList<SourceSpecification>? sources = null, long salt = 0)
    {
        long seed = (_specification.Seed * 1000) + salt;
        var parts = new List<(IRowSource, double)>();
        foreach (SourceSpecification source in sources ?? _specification.Sources)
        {
            if (source.Recall is { } recall)
            {
                string? prose = Paths(source).FirstOrDefault();
                parts.Add((new RecallRows(Tokenizer, recall, rowLength, _options.DocumentEndId(Tokenizer), segments, seed, prose is null ? null : Store(prose).Training), source.Weight));
                continue;
            }

            IReadOnlyList<string> paths = Paths(source);
            if (paths.Count == 0)
            {
                throw new HaloException("a text source of the recipe has no path and no --data was given", "data.sources", "give --data FOLDER");
            }

            long total = paths.Sum(path => Store(path).Training.Count);
            parts.AddRange(paths.Select(path => ((IRowSource)new PackedRows(Store(path).Training, rowLength, segments, seed, true, path), source.Weight * Store(path).Training.Count / total)));
        }

        return parts.Count == 1 ? parts[0].Item1 : new MixedRows(parts, seed);
    }

    /// <summary>Held-out text in its order, cut into rows without overlap; the rows of several sources follow each other in the list.</summary>
    /// <exception cref="HaloException">Nothing is held out, or less than a row.</exception>
    public IReadOnlyList<PackedRows> HeldOut(int rowLength)
    {
        var rows = new List<PackedRows>();
        foreach (TokenStore store in HeldOutStores())
        {
            if (store.Count > rowLength)
            {
                rows.Add(new PackedRows(store, rowLength, segments: false, 0, shuffle: false));
            }
        }

        return rows.Count > 0 ? rows : throw new HaloException($"no held-out text is as long as a row of {rowLength:N0} tokens", "data.held_out", "hold out a larger share, or give more text");
    }

    /// <summary>The held-out stores of all text sources: the recipe's, then those of <see cref="StageSources"/>, each once.</summary>
    public IEnumerable<TokenStore> HeldOutStores() =>
        _specification.Sources.Concat(StageSources).Where(source => source.Recall is null).SelectMany(Paths).Distinct().Select(path => Store(path).HeldOut).OfType<TokenStore>();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((TokenStore training, TokenStore? heldOut) in _stores.Values)
        {
            training.Dispose();
            heldOut?.Dispose();
        }
    }

    private IReadOnlyList<string> Paths(SourceSpecification source) => source.Path is { } path ? [path] : _folders;

    private (TokenStore Training, TokenStore? HeldOut) Store(string path)
    {
        if (!_stores.TryGetValue(path, out (TokenStore Training, TokenStore? HeldOut) store))
        {
            store = TokenCache.Open(path, Tokenizer, _options, _cache, _log, _cancellation);
            _stores[path] = store;
        }

        return store;
    }
}
