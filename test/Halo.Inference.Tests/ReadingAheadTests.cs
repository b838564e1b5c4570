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
            Assert.Equal(counts.Sum() - counts.Length, overtaken); // All but the last of each are read before they are on the host.
            Write(false, options, out _, out overtaken);
            Assert.Equal(0, overtaken);
        }

        int[][] Write(bool readsAhead, GenerationOptions options, out int[] read, out int overtaken)
        {
            using var runner = new LikeliestRunner(new TensorRunner(model), knowsLikeliest);
            using var engine = new InferenceEngine(runner);
            IReadOnlyList<Sequence> sequences = engine.Create(5, 100);
            int early = 0, before = 0;
            var answers = new int[5][];
            var batch = new GenerationBatch(engine) { ReadsAhead = readsAhead, OnIds = () => early += runner.Decoded - before };
            for (int i = 0; i < 5; i++)
            {
                int row = i;
                batch.Add(new GenerationRequest
                {
                    Sequence = sequences[row], Prompt = TinyModel.Ids(lengths[row], row), Options = options with { MaxTokens = counts[row] }, Row = row,
                }, result => answers[row] = result.Ids);
                Step();
            }

            while (Step())
            {
            }

            Assert.Equal(knowsLikeliest && options == new GenerationOptions(), runner.Asked > 0);
            read = [.. sequences.Select(one => one.Length)];
            overtaken = early;
            return answers;

            bool Step()
            {
                before = runner.Decoded;
                return batch.Step();
            }
        }
    }

    [Theory]
    [InlineData("hybrid", 0)]
    [InlineData("hybrid", 0.9)]
    [InlineData("teacher, biases", 0)]
    public void OnAGpuTheSameComesOutAheadAndInOrder(string name, double temperature)
    {
        using CausalLm random = RandomModel.Create(name, KernelRunner.Device("cuda"));
        int[] lengths = [30, 1, 77, 12], counts = [40, 7, 25, 40];
        Assert.Equal(Write(false), Write(true));

        // What was written and what was read, sequence after sequence.
        int[][] Write(bool readsAhead)
        {
            using IModelRunner runner = KernelRunner.Create("cuda", random);
            using var engine = new InferenceEngine(runner) { ReadsAhead = readsAhead };
            IReadOnlyList<Sequence> sequences = engine.Create(4, 20); // They grow on the way.
            GenerationRequest[] requests = [.. sequences.Select((sequence, row) => new GenerationRequest
            {
                Sequence = sequence, Prompt = RandomModel.Ids(lengths[row], row), Row = row, Options = new GenerationOptions { MaxTokens = counts[row], Temperature = temperature },
            })];
            IReadOnlyList<GenerationResult> results = engine.Generate(requests);
            return [.. results.SelectMany((result, row) => new[] { [.. result.Ids], sequences[row].Ids.ToArray() })];
        }
    }

    [Fact]
    public void OnAGpuItIsOnUnlessTurnedOff()
    {
        using var runner = new LikeliestRunner(new TensorRunner(model), true);
        using var engine = new InferenceEngine(runner);
        Assert.False(new GenerationBatch(engine).ReadsAhead);
        runner.Device = new Device(DeviceType.CUDA, 0); // In name alone.
        Assert.True(new GenerationBatch(engine).ReadsAhead);
        engine.ReadsAhead = false;
        Assert.False(new GenerationBatch(engine).ReadsAhead);
    }

    [Fact]
    public void WhatIsMeasuredMayBeReadAhead()
    {
        using var engine = new InferenceEngine(new TensorRunner(model));
        var benchmark = new InferenceBenchmark(engine) { NewTokens = 3, Runs = 1 };
        GenerationRequest[] requests = benchmark.Requests(engine.Create(3, 30), 20);
        Assert.All(requests, request => Assert.True(new Writing(request, _ => { }).MayBeReadAhead));
        Assert.All(requests, request => Assert.Equal((20, 3), (request.Prompt.Count, request.Options.MaxTokens)));
        InferenceMeasurement measured = benchmark.Measure(20, 3);
        Assert.True(measured.PrefillSeconds > 0 && measured.SecondsPerStep > 0);
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
            (Ask(options with { LogProbabilities = 2 }), free, EndReason.Length, 37),
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
        int[] prompt = TinyModel.Ids(30, 1);
        using Sequence sequence = engine.Create(), other = engine.Create();
        var batch = new GenerationBatch(engine) { ReadsAhead = true };
        int[] answer = [], shorter = [];
        batch.Add(new GenerationRequest { Sequence = sequence, Prompt = prompt, Options = new GenerationOptions { MaxTokens = 8 } }, result => answer = result.Ids);
        batch.Add(new GenerationRequest { Sequence = other, Prompt = prompt, Options = new GenerationOptions { MaxTokens = 4 } }, result => shorter = result.Ids);
        for (int step = 0; step < 4; step++)
        {
            batch.Step();
        }

        runner.Fails = true;
        int[] read = [.. sequence.Ids];
        Assert.Throws<InvalidOperationException>(() => batch.Step());
        Assert.Equal(2, batch.Count + (shorter.Length > 0 ? 1 : 0));
        Assert.Equal(read, sequence.Ids);
        runner.Fails = false;
        while (batch.Step())
        {
        }

        int[] expected = TinyModel.Greedy(model, prompt, 8);
        Assert.Equal(expected, answer);
        Assert.Equal(expected[..4], shorter);
    }
}
