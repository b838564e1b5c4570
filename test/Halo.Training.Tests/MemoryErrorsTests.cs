using System.Runtime.InteropServices;
using Halo.Core;
using Halo.Models;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

public sealed class MemoryErrorsTests
{
    private static readonly TrainingOptions Options = new() { Steps = 2, RowLength = 10, GlobalBatch = 4, MicroBatch = 3, WarmupSteps = 1, LossChunk = 4096 };

    [Fact]
    public void TheCpusOwnErrorIsKnown()
    {
        HaloException error = Fails(Options, () => zeros(1L << 50));
        Assert.Contains("micro_batch (now 3)", error.Remedy, StringComparison.Ordinal);
        Assert.Equal("stage2", error.Where);
        Assert.DoesNotContain("\n", error.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CUDA out of memory. Tried to allocate 9.27 GiB. GPU 0 has a total capacity of 79.11 GiB of which 1.02 GiB is free.\nException raised from malloc at CUDACachingAllocator.cpp:1130")]
    [InlineData("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call")]
    [InlineData("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")]
    [InlineData("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1125899906842624 bytes. Error code 12 (Cannot allocate memory)")]
    public void TheTextsOfLibtorchAreKnown(string text)
    {
        HaloException error = Fails(Options, () => throw new ExternalException(text));
        Assert.Contains(text.Split('\n')[0].TrimEnd('.'), error.What, StringComparison.Ordinal);
        Assert.Contains("lower", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void OnlyWhatCanStillBeLoweredIsNamed()
    {
        string remedy = Fails(Options with { Recompute = true }, () => throw new OutOfMemoryException()).Remedy!;
        Assert.DoesNotContain("recompute", remedy, StringComparison.Ordinal);
        Assert.Contains("loss_chunk (now 4096)", remedy, StringComparison.Ordinal);
        remedy = Fails(Options with { Recompute = true, MicroBatch = 1, LossChunk = 100 }, () => throw new OutOfMemoryException()).Remedy!;
        Assert.DoesNotContain("micro_batch", remedy, StringComparison.Ordinal);
        Assert.Contains("row_length (now 10)", remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void OutsideOfTheStepTheModelIsWhatIsTooLarge()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        var trainer = new Trainer("stage2", Options, new NextTokenObjective(model, Options), new Rows(10, Models.Vocabulary), null, NullRunLog.Instance)
        {
            Probes = [new TrainingProbe("large", 1, () => throw new ExternalException("CUDA out of memory. Tried to allocate 9.27 GiB."))],
        };
        Assert.Contains("AdamW", Assert.Throws<HaloException>(() => trainer.Run(CancellationToken.None)).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherErrorsOfLibtorchStayWhatTheyAre()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        Trainer trainer = Make(model, Options, () => throw new ExternalException("mat1 and mat2 shapes cannot be multiplied"));
        Assert.Throws<ExternalException>(() => trainer.Run(CancellationToken.None));
    }

    private static HaloException Fails(TrainingOptions options, Action step)
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 2);
        Trainer trainer = Make(model, options, step);
        return Assert.Throws<HaloException>(() => trainer.Run(CancellationToken.None));
    }

    private static Trainer Make(CausalLm model, TrainingOptions options, Action step) =>
        new("stage2", options, new Failing(model, step), new Rows(10, Models.Vocabulary), null, NullRunLog.Instance);

    private sealed class Failing(CausalLm model, Action step) : IObjective
    {
        public string Name => "failing";

        public IReadOnlyList<Parameter> Trained => model.Parameters;

        public LossValue Accumulate(TokenBatch micro, double rowsShare)
        {
            step();
            throw new InvalidOperationException("the step was to fail");
        }
    }
}
