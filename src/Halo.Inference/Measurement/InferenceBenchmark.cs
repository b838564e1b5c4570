using System.Diagnostics;
using Halo.Core;
using Halo.Tensors;
using TorchSharp;

namespace Halo.Inference;

/// <summary>Measures an engine: time to read prompts, time a token, memory.</summary>
/// <param name="engine">The engine; no other sequences should be in it.</param>
public sealed class InferenceBenchmark(InferenceEngine engine)
{
    // Runs of less than this are repeated, for they tell more of what is done once than of the work.
    private const double LongEnough = 10;

    // Kernels are compiled and libraries loaded in the first run of all, which therefore never counts alone.
    private bool _warm;

    /// <summary>Tokens written after each prompt, at least 2.</summary>
    public int NewTokens { get; init; } = 32;

    /// <summary>Runs of a length at most; long ones are done once after the first length has warmed the device.</summary>
    public int Runs { get; init; } = 3;

    /// <summary>Measures one context length; ids are random, as times do not depend on them.</summary>
    /// <param name="context">Tokens of each prompt.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <exception cref="HaloException">It does not fit into memory.</exception>
    public InferenceMeasurement Measure(int context, int batch, CancellationToken cancellation = default)
    {
        var prefills = new List<double>();
        var steps = new List<double>();
        (long caches, long memory) = (0, 0);
        double total = 0;
        for (int run = 0; run < Runs + 1 && (run == 0 || total < LongEnough || !_warm); run++)
        {
            if (run == 1)
            {
                prefills.Clear(); // The first run was quick, or the first of all: it warmed the device.
                steps.Clear();
                total = 0;
                _warm = true;
            }

            IReadOnlyList<Sequence> sequences = engine.Create(batch, context + NewTokens);
            try
            {
                MachineRates.Wait(engine.Device);
                long began = Stopwatch.GetTimestamp(), last = began;
                bool first = true;
                void Hear()
                {
                    long now = Stopwatch.GetTimestamp();
                    (first ? prefills : steps).Add(Stopwatch.GetElapsedTime(last, now).TotalSeconds);
                    (first, last) = (false, now);
                }

                engine.Generate(Requests(sequences, context), Hear, cancellation);
                total += Stopwatch.GetElapsedTime(began).TotalSeconds;
                caches = sequences.Sum(sequence => sequence.Bytes);
                memory = MemoryInUse();
            }
            finally
            {
                foreach (Sequence sequence in sequences)
                {
                    sequence.Dispose();
                }
            }
        }

        return new InferenceMeasurement(context, batch, Median(prefills), Median(steps), caches, memory);
    }

    /// <summary>Prompts of one length, whose answers end after so many tokens and by nothing else: on a GPU they are read ahead, unless the engine does not.</summary>
    internal GenerationRequest[] Requests(IReadOnlyList<Sequence> sequences, int context)
    {
        var options = new GenerationOptions { MaxTokens = NewTokens };
        return [.. sequences.Select((sequence, row) => new GenerationRequest { Sequence = sequence, Prompt = Ids(context, row), Options = options, Row = row })];
    }

    private int[] Ids(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(engine.Configuration.VocabSize))];
    }

    private long MemoryInUse()
    {
        if (engine.Device.type == DeviceType.CUDA && DeviceMemory.Query(out nuint free, out nuint all) == 0)
        {
            return (long)(all - free);
        }

        return Environment.WorkingSet;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }
}
