using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

/// <summary>Steps that are launched before the host has seen the tokens they read: nothing that can be seen from outside changes.</summary>
public sealed class ReadingAheadTests : IDisposable
{
    private readonly CausalLm model = TinyModel.Load("hypenet");

    public void Dispose() => model.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TokensAndWhatWasReadAreTheSame(bool knowsLikeliest)
    {
        int[] lengths = [30, 1, 77, 12, 50], counts = [9, 1, 5, 14, 9];
        var penalised = new GenerationOptions { RepetitionPenalty = 1.3 };
        var sampled = new GenerationOptions { Temperature = 1.2, TopP = 0.9, Seed = 3 };
        foreach (GenerationOptions options in new[] { new GenerationOptions(), penalised, sampled })
        {
            int[][] inOrder = Write(false, options, out int[] orderedLengths, out _), ahead = Write(true, options, out int[] aheadLengths, out int overtaken);
            Assert.Equal(inOrder, ahead);
            Assert.Equal(orderedLengths, aheadLengths);
            Assert.Equal(lengths.Zip(counts, (length, count) => length + count - 1), aheadLengths);
            Assert.Equal(counts.Sum() - counts.Length, overtaken); // All but the last of each are read before they are told.
        }

        int[][] Write(bool readsAhead, GenerationOptions options, out int[] read, out int overtaken)
        {
            using var runner = new LikeliestRunner(new TensorRunner(model), knowsLikeliest);
            using var engine = new InferenceEngine(runner);
            IReadOnlyList<Sequence> sequences = engine.Create(5, 100);
            int early = 0;
            var answers = new int[5][];
            var batch = new GenerationBatch(engine) { ReadsAhead = readsAhead };
            for (int i = 0; i < 5; i++)
            {
                int row = i, heard = 0;
                batch.Add(new GenerationRequest
                {
                    Sequence = sequences[row], Prompt = TinyModel.Ids(lengths[row], row), Options = options with { MaxTokens = counts[row] }, Row = row,
                    OnToken = _ => early += sequences[row].Length == lengths[row] + ++heard ? 1 : 0,
                }, result => answers[row] = result.Ids);
                batch.Step();
            }

            while (batch.Step())
            {
            }

            Assert.Equal(knowsLikeliest && options == new GenerationOptions(), runner.Asked > 0);
            read = [.. sequences.Select(one => one.Length)];
            overtaken = early;
            return answers;
        }
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("cuda")]
    public void IdsOnTheirWayAreThoseOfTheirTime(string device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = arange(1, 65, ScalarType.Int64).to(KernelRunner.Device(device));
        using var coming = new IdsOnTheWay(ids);
        for (int i = 0; i < 50; i++)
        {
            ids.mul_(2); // Later work on the same memory.
        }

        Assert.Equal(Enumerable.Range(1, 64), coming.Wait());
    }

    [Fact]
    public void WhoMayEndBySurpriseIsNotReadAhead()
    {
        using var engine = new InferenceEngine(new TensorRunner(model));
        int[] prompt = TinyModel.Ids(30, 1), free = TinyModel.Greedy(model, prompt, 8);
        using var source = new CancellationTokenSource();
        var options = new GenerationOptions { MaxTokens = 8 };
        (GenerationRequest Request, int[] Answer, EndReason Reason, int Read)[] cases =
        [
            (Ask(options), free, EndReason.Length, 37),
            (Ask(options with { StopIds = [free[4]] }), [.. free.TakeWhile(id => id != free[4])], EndReason.StopId, 30 + Array.IndexOf(free, free[4])),
            (Ask(options with { EndsRow = (_, id) => id == free[4] }), free[..(Array.IndexOf(free, free[4]) + 1)], EndReason.Caller, 30 + Array.IndexOf(free, free[4])),
            (Ask(options) with { Cancellation = source.Token, OnToken = token => CancelAt(token.Id) }, free[..(Array.IndexOf(free, free[4]) + 1)], EndReason.Cancelled, 30 + Array.IndexOf(free, free[4])),
        ];
        foreach ((GenerationRequest request, int[] answer, EndReason reason, int read) in cases)
        {
            // Beside one whose end is known.
            GenerationRequest beside = Ask(options with { MaxTokens = 6 });
            GenerationResult?[] results = [null, null];
            var batch = new GenerationBatch(engine) { ReadsAhead = true };
            batch.Add(request, result => results[0] = result);
            batch.Add(beside, result => results[1] = result);
            while (batch.Step())
            {
            }

            Assert.Equal(answer, results[0]!.Ids);
            Assert.Equal(reason, results[0]!.Reason);
            Assert.Equal(read, request.Sequence.Length);
            Assert.Equal(free[..6], results[1]!.Ids);
            Assert.Equal(35, beside.Sequence.Length);
        }

        GenerationRequest Ask(GenerationOptions asked) => new() { Sequence = engine.Create(), Prompt = prompt, Options = asked };

        void CancelAt(int id)
        {
            if (id == free[4])
            {
                source.Cancel();
            }
        }
    }

    [Fact]
    public void AStepThatFailsIsDoneAgain()
    {
        using var runner = new LikeliestRunner(new TensorRunner(model), true);
        using var engine = new InferenceEngine(runner);
        int[] prompt = TinyModel.Ids(30, 1), heard = [];
        using Sequence sequence = engine.Create(), other = engine.Create();
        var batch = new GenerationBatch(engine) { ReadsAhead = true };
        int[] answer = [], shorter = [];
        batch.Add(new GenerationRequest { Sequence = sequence, Prompt = prompt, Options = new GenerationOptions { MaxTokens = 8 }, OnToken = token => heard = [.. heard, token.Id] }, result => answer = result.Ids);
        batch.Add(new GenerationRequest { Sequence = other, Prompt = prompt, Options = new GenerationOptions { MaxTokens = 4 } }, result => shorter = result.Ids);
        for (int step = 0; step < 4; step++)
        {
            batch.Step();
        }

        runner.Fails = true;
        int told = heard.Length;
        Assert.Throws<InvalidOperationException>(() => batch.Step());
        Assert.Equal((2, told), (batch.Count + (shorter.Length > 0 ? 1 : 0), heard.Length));
        runner.Fails = false;
        while (batch.Step())
        {
        }

        int[] expected = TinyModel.Greedy(model, prompt, 8);
        Assert.Equal(expected, answer);
        Assert.Equal(expected, heard);
        Assert.Equal(expected[..4], shorter);
    }

    /// <summary>Knows the likeliest ids of its last step alone, as a buffer that the next step overwrites.</summary>
    private sealed class LikeliestRunner(IModelRunner inner, bool knows) : IModelRunner
    {
        private readonly Tensor ids = zeros(64, ScalarType.Int64);
        private Tensor? last;

        public int Asked { get; private set; }

        public bool Fails { get; set; }

        public string Name => inner.Name;

        public ModelConfiguration Configuration => inner.Configuration;

        public string Identity => inner.Identity;

        public Device Device => inner.Device;

        public ScalarType CacheType => inner.CacheType;

        public long WeightBytes => inner.WeightBytes;

        public long FreeBytes => inner.FreeBytes;

        public long CacheBytes(long length) => inner.CacheBytes(length);

        public long WorkBytes(long tokens) => inner.WorkBytes(tokens);

        public IReadOnlyList<ISequenceCache> Allocate(int count, int capacity) => inner.Allocate(count, capacity);

        public Tensor? Prefill(IReadOnlyList<ISequenceCache> caches, IReadOnlyList<ReadOnlyMemory<int>> ids, bool wantLogits) => inner.Prefill(caches, ids, wantLogits);

        public Tensor Decode(IReadOnlyList<ISequenceCache> caches, Tensor ids_B)
        {
            if (Fails)
            {
                throw new InvalidOperationException("a step failed");
            }

            Tensor logits_BV = inner.Decode(caches, ids_B);
            ids.fill_(-1);
            using Tensor likeliest = logits_BV.argmax(-1), place = ids.narrow(0, 0, caches.Count);
            place.copy_(likeliest);
            return last = logits_BV;
        }

        public Tensor? Likeliest(Tensor logits_BV)
        {
            if (!knows || !ReferenceEquals(logits_BV, last))
            {
                return null;
            }

            Asked++;
            return ids.narrow(0, 0, logits_BV.shape[0]);
        }

        public void Dispose()
        {
            ids.Dispose();
            inner.Dispose();
        }
    }
}
