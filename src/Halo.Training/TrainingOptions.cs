using Halo.Core;

namespace Halo.Training;

/// <summary>How a stage is trained; the keys of a recipe's stage in snake case. The defaults are those that all stages of the paper share.</summary>
public sealed record TrainingOptions
{
    /// <summary>Updates of the weights.</summary>
    public long Steps { get; init; } = 1000;

    /// <summary>Tokens of a row that the model reads.</summary>
    public int RowLength { get; init; } = 512;

    /// <summary>Rows of an update.</summary>
    public int GlobalBatch { get; init; } = 32;

    /// <summary>Rows computed at once; an update takes as many of these as make up the global batch (the last may be smaller). 0: the whole global batch.</summary>
    public int MicroBatch { get; init; }

    /// <summary>The peak learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The learning rate at the last step; not used by the constant schedule.</summary>
    public double FinalLearningRate { get; init; } = 1e-5;

    /// <summary>How the learning rate runs.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>Steps of the final decay of <see cref="ScheduleKind.WarmupStableDecay"/>.</summary>
    public long DecaySteps { get; init; }

    /// <summary>Steps of linear warm-up.</summary>
    public long WarmupSteps { get; init; } = 50;

    /// <summary>Decoupled weight decay of the matrices; vectors (norm weights, biases) are never decayed.</summary>
    public double WeightDecay { get; init; }

    /// <summary>AdamW's decay of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay of the second moment.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>AdamW's epsilon.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Greatest norm of the gradient of all trained weights together; 0: not clipped.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Keep only the inputs of the layers and compute each layer again in the backward pass: less memory, a third more work.</summary>
    public bool Recompute { get; init; }

    /// <summary>Attention and state do not cross from one document of a row to the next.</summary>
    public bool DocumentMask { get; init; }

    /// <summary>Tokens whose logits exist at once. With the kernels of a GPU a lower bound: small vocabularies take as many tokens as make 2^28 logits.</summary>
    public int LossChunk { get; init; } = 4096;

    /// <summary>Steps between checkpoints; 0: only at the end and when stopped.</summary>
    public long CheckpointEvery { get; init; } = 500;

    /// <summary>Checkpoints kept.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Steps between entries of the log. On a GPU every entry waits for the device.</summary>
    public long LogEvery { get; init; } = 10;

    /// <summary>Seed of the order of the rows.</summary>
    public long Seed { get; init; }

    /// <summary><see cref="MicroBatch"/>, or the global batch where that is 0.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int MicroRows => MicroBatch == 0 ? GlobalBatch : Math.Min(MicroBatch, GlobalBatch);

    /// <summary>Tokens of an update.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long TokensPerStep => (long)GlobalBatch * RowLength;

    /// <summary>Refuses impossible values.</summary>
    /// <param name="where">What the keys belong to, for example <c>stage2</c>; the error names <c>stage2.steps</c>.</param>
    /// <exception cref="HaloException">A value is impossible.</exception>
    public void Validate(string where)
    {
        AtLeast(Steps, 0, "steps");
        AtLeast(RowLength, 1, "row_length");
        AtLeast(GlobalBatch, 1, "global_batch");
        AtLeast(MicroBatch, 0, "micro_batch");
        Positive(LearningRate, "learning_rate");
        NotNegative(FinalLearningRate, "final_learning_rate");
        AtLeast(DecaySteps, 0, "decay_steps");
        AtLeast(WarmupSteps, 0, "warmup_steps");
        NotNegative(WeightDecay, "weight_decay");
        Fraction(Beta1, "beta1");
        Fraction(Beta2, "beta2");
        Positive(Epsilon, "epsilon");
        NotNegative(ClipNorm, "clip_norm");
        AtLeast(LossChunk, 1, "loss_chunk");
        AtLeast(CheckpointEvery, 0, "checkpoint_every");
        AtLeast(KeepCheckpoints, 1, "keep_checkpoints");
        AtLeast(LogEvery, 1, "log_every");
        Require(Enum.IsDefined(Schedule), "schedule", Schedule, "constant, cosine, linear or warmup-stable-decay");
        Require(Schedule == ScheduleKind.Constant || FinalLearningRate <= LearningRate, "final_learning_rate", FinalLearningRate, $"at most learning_rate ({LearningRate})");
        Require(WarmupSteps <= Math.Max(Steps, 0) || Steps == 0, "warmup_steps", WarmupSteps, $"at most steps ({Steps})");
        Require(Schedule != ScheduleKind.WarmupStableDecay || (DecaySteps >= 1 && WarmupSteps + DecaySteps <= Steps), "decay_steps", DecaySteps, $"between 1 and steps - warmup_steps ({Steps - WarmupSteps})");

        void AtLeast(long value, long least, string key) => Require(value >= least, key, value, $"an integer of at least {least}");
        void Positive(double value, string key) => Require(double.IsFinite(value) && value > 0, key, value, "a number over 0");
        void NotNegative(double value, string key) => Require(double.IsFinite(value) && value >= 0, key, value, "a number of at least 0");
        void Fraction(double value, string key) => Require(value is >= 0 and < 1, key, value, "a number from 0 to below 1");
        void Require(bool holds, string key, object value, string expected)
        {
            if (!holds)
            {
                string text = Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!;
                throw new HaloException($"impossible value {text} of {key}", $"{where}.{key}", $"give {expected}");
            }
        }
    }
}
