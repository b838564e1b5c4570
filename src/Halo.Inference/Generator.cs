using Halo.Core;
using Halo.Models;

namespace Halo.Inference;

/// <summary>Continues prompts with a model as one batch of an <see cref="InferenceEngine"/>, which is divided where memory does not allow it. Not safe for several threads at once.</summary>
public sealed class Generator : IGenerator
{
    private readonly CausalLm _model;
    private readonly MemoryPlan _plan;

    /// <summary>Makes a generator; the model stays the caller's.</summary>
    /// <param name="model">The model.</param>
    public Generator(CausalLm model)
    {
        _model = model;
        _plan = new MemoryPlan(model);
    }

    /// <summary>Prompt tokens of a row that are read at once; 0 takes all where memory allows, else 8,192.</summary>
    public int PrefillBlock { get; init; }

    /// <inheritdoc/>
    public int RowsThatFit(int length) => _plan.RowsThatFit(length);

    /// <inheritdoc/>
    public int[][] Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, CancellationToken cancellation = default, Action<int, int>? onToken = null)
    {
        for (int row = 0; row < prompts.Count; row++)
        {
            Checks.Options(options, prompts[row].Length, $"prompt {row}");
            Checks.Prompt(prompts[row], _model.Configuration.VocabSize, $"prompt {row}");
        }

        var outputs = new int[prompts.Count][];
        using var engine = new InferenceEngine(_model, 0, ModelRunners.Tensors) { PrefillBlock = PrefillBlock };
        Run(engine, [.. Enumerable.Range(0, prompts.Count).OrderByDescending(row => prompts[row].Length)]);
        return outputs;

        void Run(InferenceEngine engine, int[] rows)
        {
            if (rows.Length == 0)
            {
                return;
            }

            bool wrote = false;
            IReadOnlyList<Sequence> sequences = [];
            try
            {
                sequences = engine.Create(rows.Length, rows.Max(row => prompts[row].Length) + options.MaxTokens);
                var batch = new GenerationBatch(engine);
                for (int place = 0; place < rows.Length; place++)
                {
                    (int row, Sequence sequence) = (rows[place], sequences[place]);
                    var request = new GenerationRequest
                    {
                        Sequence = sequence, Prompt = prompts[row], Options = options, Row = row,
                        OnToken = token =>
                        {
                            wrote = true;
                            onToken?.Invoke(row, token.Id);
                        },
                    };
                    batch.Add(request, result =>
                    {
                        outputs[row] = result.Ids;
                        sequence.Dispose(); // The others move together.
                    });
                }

                while (batch.Step())
                {
                    cancellation.ThrowIfCancellationRequested();
                }

                return;
            }
            catch (HaloException) when (rows.Length > 1 && !wrote)
            {
                // Memory: in halves, below.
            }
            finally
            {
                foreach (Sequence sequence in sequences)
                {
                    sequence.Dispose();
                }
            }

            Run(engine, rows[..(rows.Length / 2)]);
            Run(engine, rows[(rows.Length / 2)..]);
        }
    }
}
