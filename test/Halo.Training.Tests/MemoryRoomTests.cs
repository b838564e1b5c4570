using Halo.Core;
using Halo.Models;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

/// <summary>What is refused before it starts.</summary>
public sealed class MemoryRoomTests
{
    private static readonly Device Gpu = new(TorchSharp.DeviceType.CUDA, 0);
    private static readonly TrainingOptions Options = new() { RowLength = 4096, GlobalBatch = 8, MicroBatch = 4 };

    [Fact]
    public void AGpuTakesWhatFitsIntoWhatIsFree()
    {
        MemoryEstimate estimate = MemoryEstimate.Of(Models.Configuration(hybrid: true), Options, 2);
        new MemoryRoom(Gpu, estimate.Total, 2 * estimate.Total).Require("stage2", estimate, Options);
        HaloException error = Assert.Throws<HaloException>(() => new MemoryRoom(Gpu, estimate.Total - 1, 2 * estimate.Total).Require("stage2", estimate, Options));
        Assert.Equal("stage2", error.Where);
        Assert.Contains("micro_batch (now 4)", error.Remedy, StringComparison.Ordinal);
        Assert.Contains("recompute", error.Remedy, StringComparison.Ordinal);
        Assert.Contains("--ignore-memory", error.Remedy, StringComparison.Ordinal);
        error = Assert.Throws<HaloException>(() => new MemoryRoom(Gpu, estimate.Held - 1, estimate.Held).Require("stage2", estimate, Options));
        Assert.Contains("AdamW", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void WhereTheMemoryIsNotKnownNothingIsRefused()
    {
        MemoryEstimate estimate = MemoryEstimate.Of(Models.Configuration(hybrid: true), Options, 2);
        var room = new MemoryRoom(Gpu, 0, 0);
        room.Require("stage2", estimate, Options);
        Assert.Null(room.Before("stage2", estimate));
    }

    [Fact]
    public void TheCpuRefusesOnlyWhatIsClearlyTooMuch()
    {
        long machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var room = new MemoryRoom(CPU);
        Assert.Null(room.Taken);
        MemoryEstimate fits = MemoryEstimate.Of(Models.Configuration(hybrid: true), Options, 4);
        room.Require("stage2", fits with { Activations = machine }, Options);
        Assert.Throws<HaloException>(() => room.Require("stage2", fits with { Activations = 2 * machine }, Options));
    }
}
