using System.Diagnostics;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Tensors;
using Halo.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Conversion.Measurement;

/// <summary>Measures a stage of training with random weights and rows: the trainer itself runs, without checkpoints.</summary>
/// <param name="shape">Teacher and student.</param>
/// <param name="stage">pretrain, 1, 2 or 3.</param>
/// <param name="options">Rows, their length, recomputation, loss chunk; steps are those measured.</param>
/// <param name="device">Where.</param>
/// <param name="type">Type of products.</param>
internal sealed class TrainingBenchmark(TrainingShape shape, string stage, TrainingOptions options, Device device, ScalarType type)
{
    private const int WarmUp = 4;
    private const int PartSteps = 3;
    private const int MostGroups = 10;

    // The losses of all steps since the last entry of the log are held.
    private const int LogEvery = 100;

    // Memory after this step is compared with that after the last one, in runs of so many steps that releasing memory in between shows in none of the figures.
    private const int EarlyStep = 10;
    private const int ManySteps = 100;

    /// <summary>Stages.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["pretrain", "1", "2", "3"];

    private bool OnCuda => device.type == DeviceType.CUDA;

    /// <summary>What the run should need.</summary>
    public MemoryEstimate Estimate()
    {
        int bytes = StageMemory.ComputeBytes(device, type);
        return stage switch
        {
            "1" => MemoryEstimate.Of(Aligned, options, bytes, StageMemory.Mixers(Aligned), shape.Teacher),
            "2" => MemoryEstimate.Of(shape.Student, options, bytes, null, shape.Teacher),
            _ => MemoryEstimate.Of(stage == "3" ? shape.Student : shape.Teacher, options, bytes),
        };
    }

    private ModelConfiguration Aligned => shape.Student with { MixerTypes = [.. Enumerable.Repeat(MixerType.Lightning, shape.Student.NumHiddenLayers)] };

    /// <summary>Start even where more memory is expected to be needed than there is.</summary>
    public bool IgnoreMemory { get; init; }

    /// <summary>Runs.</summary>
    /// <exception cref="HaloException">It does not fit into memory.</exception>
    public TrainingMeasurement Measure(CancellationToken cancellation)
    {
        LibTorch.Initialize();
        MemoryEstimate estimate = Estimate();
        var room = new MemoryRoom(device);
        if (!IgnoreMemory)
        {
            room.Require("bench", estimate, options);
        }

        using DisposeScope scope = NewDisposeScope();
        using CausalLm? teacher = stage is "1" or "2" ? Random(shape.Teacher, type) : null;
        using CausalLm student = Random(stage switch { "1" => Aligned, "pretrain" => shape.Teacher, _ => shape.Student }, ScalarType.Float32);
        student.ComputeType = type;
        TrainingOptions all = options with { Steps = options.Steps + WarmUp + PartSteps, LogEvery = LogEvery, CheckpointEvery = 0, WarmupSteps = 0, LearningRate = 1e-4 };
        IObjective objective = stage switch
        {
            "1" => new AlignmentObjective(teacher!, student, [.. Enumerable.Range(0, shape.Teacher.NumHiddenLayers)], all),
            "2" => new DistillationObjective(student, teacher!, all),
            _ => new NextTokenObjective(student, all),
        };
        long group = Math.Max(1, options.Steps / MostGroups);
        var seconds = new List<double>();
        var clock = new StepClock(device);
        var samples = new List<MemorySample>();
        long last = 0, peak = 0;
        void After(long step)
        {
            long measured = step - WarmUp;
            if (step == EarlyStep && options.Steps >= ManySteps)
            {
                samples.Add(Sample(step, room));
            }

            if (measured < 0 || measured > options.Steps || measured % group != 0)
            {
                return;
            }

            Wait();
            long now = Stopwatch.GetTimestamp();
            if (measured > 0)
            {
                seconds.Add(Stopwatch.GetElapsedTime(last, now).TotalSeconds / group);
            }

            last = now;
            if (measured + group > options.Steps)
            {
                peak = room.Taken ?? 0;
                if (samples.Count > 0)
                {
                    samples.Add(Sample(step, room));
                }

                StepClock.Current = clock;
                clock.Restart();
            }
        }

        try
        {
            var trainer = new Trainer("bench", all, objective, new SyntheticRows(options.RowLength, shape.Teacher.VocabSize), null, new QuietLog()) { AfterStep = After };
            if (trainer.Run(cancellation).End != TrainingEnd.Completed)
            {
                throw new OperationCanceledException();
            }
        }
        finally
        {
            StepClock.Current = null;
        }

        // The steps that are left after the last measured group are timed by part.
        long timed = all.Steps - WarmUp - (options.Steps / group * group);
        seconds.Sort();
        double median = seconds.Count % 2 == 1 ? seconds[seconds.Count / 2] : (seconds[(seconds.Count / 2) - 1] + seconds[seconds.Count / 2]) / 2;
        var parts = Enum.GetValues<StepPart>().ToDictionary(part => part, part => clock.Seconds(part) / timed);
        return new TrainingMeasurement(Settings(), options.TokensPerStep, median, TrainingCosts.OfStage(stage, shape, options.RowLength), peak, estimate, parts) { Memory = samples };
    }

    private JsonObject Settings() => new()
    {
        ["model"] = shape.Name, ["stage"] = stage, ["rows"] = options.GlobalBatch, ["micro_rows"] = options.MicroRows, ["row_length"] = options.RowLength, ["steps"] = options.Steps,
        ["device"] = device.ToString(), ["dtype"] = type.ToString(), ["recompute"] = options.Recompute ? "full" : "none", ["loss_chunk"] = options.LossChunk,
        ["kernels"] = Kernels.Cuda.CudaKernels.WhyNot is null, ["teacher_parameters"] = CausalLm.ParameterCount(shape.Teacher), ["student_parameters"] = CausalLm.ParameterCount(shape.Student),
    };

    // Made where they are used: on the host, billions of random numbers take a minute.
    private CausalLm Random(ModelConfiguration configuration, ScalarType kind) => CausalLm.Of(configuration, device, kind, (_, shape) =>
    {
        using IDisposable constant = no_grad();
        Tensor value = empty([.. shape], kind, device);
        return (shape.Count == 1 ? value.fill_(1) : value.normal_(0, 0.02)).DetachFromDisposeScope();
    });

    private void Wait()
    {
        if (OnCuda)
        {
            cuda.synchronize(device);
        }
    }

    private MemorySample Sample(long step, MemoryRoom room)
    {
        Wait();
        long held = room.Taken ?? 0;
        GC.Collect();
        GC.WaitForPendingFinalizers();

        // .NET gives back what its heap does not use only when told to.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        DeviceMemory.ReleaseUnused(device);
        return new MemorySample(step, held, room.Taken ?? 0, Environment.WorkingSet);
    }
}
