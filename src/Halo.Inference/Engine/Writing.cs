using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>A request and what it has written.</summary>
internal sealed class Writing(GenerationRequest request, Action<GenerationResult> onEnd)
{
    private readonly List<GeneratedToken> _tokens = [];
    private readonly HashSet<int> _stops = [.. request.Options.StopIds];
    private HashSet<int>? _seen;

    public GenerationRequest Request => request;

    public GenerationOptions Options => request.Options;

    /// <summary>Tokens written.</summary>
    public int Count => _tokens.Count;

    /// <summary>Whether the next token is the last one whatever it is.</summary>
    public bool IsAtLast => Count + 1 >= Options.MaxTokens;

    /// <summary>Whether nothing but the number of tokens can end the request, nobody wants to know more than ids, and nobody is called between a token's choice and its reading.</summary>
    public bool MayBeReadAhead => _stops.Count == 0 && Options.EndsRow is null && Options.LogProbabilities is null && request.OnToken is null && !request.Cancellation.CanBeCanceled;

    /// <summary>The draw for the next token.</summary>
    public double Draw => Sampler.Uniform(Options.Seed, Options.FirstRow + request.Row, Count);

    /// <summary>Ids that the sequence and the answer hold; asked for with a repetition penalty alone.</summary>
    public IReadOnlyCollection<int> Seen => _seen ??= [.. request.Sequence.Ids];

    /// <summary>Keeps a new token; tells why it ends the request, null where it does not.</summary>
    public EndReason? Take(GeneratedToken token)
    {
        if (_stops.Contains(token.Id))
        {
            return EndReason.StopId;
        }

        _tokens.Add(token);
        _seen?.Add(token.Id);
        request.OnToken?.Invoke(token);
        return Options.EndsRow?.Invoke(request.Row, token.Id) ?? false ? EndReason.Caller
            : Count >= Options.MaxTokens ? EndReason.Length
            : request.Cancellation.IsCancellationRequested ? EndReason.Cancelled
            : null;
    }

    public void End(EndReason reason) => onEnd(new GenerationResult(_tokens, reason));
}
