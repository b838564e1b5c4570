using Halo.Core;
using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference.Tests;

public sealed class EngineSequenceTests : IDisposable
{
    private static readonly GenerationOptions Eight = new() { MaxTokens = 8 };
    private readonly CausalLm model = TinyModel.Load("hypenet");

    public void Dispose() => model.Dispose();

    [Fact]
    public void ANewTurnReadsItsOwnTokensAlone()
    {
        using var runner = new CountingRunner(new TensorRunner(model));
        using var engine = new InferenceEngine(runner);
        using Sequence sequence = engine.Create();
        int[] first = TinyModel.Ids(50, 1), second = TinyModel.Ids(9, 2);
        int[] answer = engine.Generate(sequence, first, Eight).Ids;
        Assert.Equal(50 + 7, runner.TokensRead);
        int[] again = engine.Generate(sequence, [answer[^1], .. second], Eight).Ids;
        Assert.Equal(50 + 7 + 10 + 7, runner.TokensRead);
        Assert.Equal(TinyModel.Greedy(model, [.. first, .. answer, .. second], 8), again);
    }

    [Fact]
    public void ASnapshotGoesBackBranchesAndComesFromAFile()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("halo-").FullName, "sequence.safetensors");
        using var engine = new InferenceEngine(model, 0, ModelRunners.Tensors);
        using Sequence sequence = engine.Create();
        int[] prompt = TinyModel.Ids(70, 1);
        engine.Read(sequence, prompt);
        using SequenceSnapshot snapshot = engine.Snapshot(sequence);
        using Sequence branch = engine.Copy(sequence);
        int[] expected = TinyModel.Greedy(model, prompt, 8);
        Assert.Equal(expected, engine.Generate(sequence, [], Eight).Ids);
        engine.Read(sequence, TinyModel.Ids(400, 3));
        Assert.Equal(expected, engine.Generate(branch, [], Eight).Ids);

        engine.Restore(sequence, snapshot);
        Assert.Equal(prompt, sequence.Ids);
        Assert.Equal(expected, engine.Generate(sequence, [], Eight).Ids);

        snapshot.Save(path);
        using var later = new InferenceEngine(model, 0, ModelRunners.Tensors);
        using Sequence loaded = later.Create();
        using (SequenceSnapshot file = SequenceSnapshot.Load(path))
        {
            Assert.Equal(snapshot.Bytes, file.Bytes);
            later.Restore(loaded, file);
        }

        Assert.Equal(expected, later.Generate(loaded, [], Eight).Ids);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData(WeightFormat.Int8)]
    [InlineData(WeightFormat.Int4)]
    public void WeightsInFewBitsAreAnotherModelUnlessTheyArePackedAlone(WeightFormat format)
    {
        using CausalLm rounded = TinyModel.Load("hypenet");
        using var packed = new CpuRunner(rounded, format);
        Assert.Equal(ModelIdentity.Of(model), packed.Identity);
        rounded.Quantize(format);
        Assert.NotEqual(ModelIdentity.Of(model), ModelIdentity.Of(rounded));
    }

    [Fact]
    public void AnotherModelsSnapshotAndABrokenFileAreRefused()
    {
        using CausalLm other = CausalLm.Create(model.Configuration, CPU, ScalarType.Float32, 1);
        using CausalLm half = CausalLm.Load(Path.GetDirectoryName(Testing.Golden.Path("models/hypenet/config.json"))!, CPU, ScalarType.BFloat16);
        Assert.Equal(ModelIdentity.Of(model), ModelIdentity.Of(half));
        using var engine = new InferenceEngine(model, 0, ModelRunners.Tensors);
        using var foreign = new InferenceEngine(other, 0, ModelRunners.Tensors);
        using Sequence sequence = engine.Create(), mine = foreign.Create();
        foreign.Read(mine, [1, 2, 3]);
        engine.Read(sequence, [4, 5]);
        using SequenceSnapshot snapshot = foreign.Snapshot(mine);
        Assert.Contains("another model", Assert.Throws<HaloException>(() => engine.Restore(sequence, snapshot)).Message);
        Assert.Contains("another engine", Assert.Throws<HaloException>(() => engine.Read(mine, [1])).Message);
        Assert.Equal([4, 5], sequence.Ids);
        Assert.Equal(TinyModel.Greedy(model, [4, 5], 8), engine.Generate(sequence, [], Eight).Ids);
        Assert.Contains("no snapshot", Assert.Throws<HaloException>(() => SequenceSnapshot.Load(Testing.Golden.Path("models/hypenet/golden.safetensors"))).Message);
    }

    [Fact]
    public void ARowHandedOutAgainHoldsNothingOfItsLastOwner()
    {
        using var runner = new TensorRunner(model);
        using var engine = new InferenceEngine(runner);
        int[] prompt = TinyModel.Ids(20, 1), expected = TinyModel.Greedy(model, prompt, 8);
        IReadOnlyList<Sequence> rows = engine.Create(3, 400);
        foreach (Sequence row in rows)
        {
            engine.Read(row, TinyModel.Ids(300, row.GetHashCode()));
            foreach (Tensor one in ((SlabRow)row.Cache).Slab.All)
            {
                one.narrow(0, ((SlabRow)row.Cache).Index, 1).fill_(float.NaN); // Poison: one that shows spoils all.
            }
        }

        rows[0].Dispose();
        rows[2].Dispose();
        rows[1].Clear();
        Assert.Equal(expected, engine.Generate(rows[1], prompt, Eight).Ids);
        using Sequence again = engine.Create(400), beside = engine.Create(400);
        Assert.Single(runner.Slabs);
        Assert.Equal([expected, expected], engine.Generate([.. new[] { again, beside }.Select(one => new GenerationRequest { Sequence = one, Prompt = prompt, Options = Eight })]).Select(result => result.Ids));
    }

    [Fact]
    public void MemoryDoesNotGrowWithTheNumberOfSequences()
    {
        using var runner = new TensorRunner(model, 1 << 30);
        using var engine = new InferenceEngine(runner);
        long free = runner.FreeBytes, most = 0;
        long tensors = 0;
        for (int round = 0; round < 60; round++)
        {
            IReadOnlyList<Sequence> rows = engine.Create((round % 3) + 1, 100);
            engine.Generate([.. rows.Select((one, row) => new GenerationRequest { Sequence = one, Prompt = TinyModel.Ids(30 + row, round), Options = Eight })]);
            foreach (Sequence row in rows)
            {
                row.Dispose();
            }

            most = Math.Max(most, runner.Slabs.Sum(slab => slab.Bytes));
            if (round == 5)
            {
                tensors = Live();
            }

            Assert.True(round <= 5 || Live() == tensors, $"{Live()} tensors in round {round}, {tensors} at first");
        }

        Assert.Equal(free, runner.FreeBytes);
        Assert.InRange(most, 1, 8 * runner.CacheBytes(256));

        static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount; // Of this thread: other tests have their own.
    }
}
