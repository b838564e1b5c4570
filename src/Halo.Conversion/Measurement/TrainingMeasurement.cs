using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Halo.Inference;
using Halo.Training;

namespace Halo.Conversion.Measurement;

/// <summary>What a stage of training took.</summary>
/// <param name="Settings">Shape, stage, rows and so on.</param>
/// <param name="TokensPerStep">Tokens of an update.</param>
/// <param name="SecondsPerStep">Median over the measured steps.</param>
/// <param name="FlopPerToken">By <see cref="TrainingCosts"/>.</param>
/// <param name="PeakBytes">Memory that the run held at its peak, without what was held before; 0 where it is not known.</param>
/// <param name="Estimate">Memory by the estimate.</param>
/// <param name="Parts">Seconds by part of a step that waits for the device after each part.</param>
internal sealed record TrainingMeasurement(
    JsonObject Settings, long TokensPerStep, double SecondsPerStep, double FlopPerToken, long PeakBytes, MemoryEstimate Estimate, IReadOnlyDictionary<StepPart, double> Parts)
{
    /// <summary>What the machine does at best, measured in the same run.</summary>
    public MachineRates? Rates { get; init; }

    /// <summary>Memory after an early and after the last measured step, where there were many.</summary>
    public IReadOnlyList<MemorySample> Memory { get; init; } = [];

    private double TokensPerSecond => TokensPerStep / SecondsPerStep;

    private double Flops => TokensPerSecond * FlopPerToken;

    public JsonObject ToJson() => new()
    {
        ["settings"] = Settings.DeepClone(),
        ["tokens_per_second"] = TokensPerSecond,
        ["seconds_per_step"] = SecondsPerStep,
        ["tokens_per_step"] = TokensPerStep,
        ["flop_per_token"] = FlopPerToken,
        ["teraflops"] = Flops / 1e12,
        ["machine"] = Rates is null ? null : new JsonObject { ["teraflops"] = Rates.OperationsPerSecond / 1e12, ["gigabytes_per_second"] = Rates.BytesPerSecond / 1e9 },
        ["share_of_matrix_rate"] = Rates is null ? null : Flops / Rates.OperationsPerSecond,
        ["peak_gigabytes"] = PeakBytes / 1e9,
        ["estimated_gigabytes"] = Estimate.Total / 1e9,
        ["estimate"] = new JsonObject
        {
            ["weights"] = Estimate.Weights / 1e9, ["gradients"] = Estimate.Gradients / 1e9, ["moments"] = Estimate.Moments / 1e9,
            ["teacher"] = Estimate.Teacher / 1e9, ["activations"] = Estimate.Activations / 1e9, ["loss"] = Estimate.LossChunk / 1e9, ["libraries"] = Estimate.Libraries / 1e9,
        },
        ["memory_by_step"] = new JsonArray([.. Memory.Select(sample => (JsonNode)sample.ToJson())]),
        ["seconds_by_part"] = new JsonObject(Parts.Select(part => KeyValuePair.Create<string, JsonNode?>(Name(part.Key), part.Value))),
    };

    public string ToText()
    {
        var text = new StringBuilder();
        string share = Rates is null ? "" : string.Create(CultureInfo.InvariantCulture, $", {100 * Flops / Rates.OperationsPerSecond:0.0} % of the matrix rate ({Rates.OperationsPerSecond / 1e12:0} TFLOP/s)");
        text.AppendLine(CultureInfo.InvariantCulture, $"{TokensPerSecond:N0} tokens/s, {1e3 * SecondsPerStep:0.0} ms a step of {TokensPerStep:N0} tokens, {Flops / 1e12:0.0} TFLOP/s{share}");
        text.AppendLine(CultureInfo.InvariantCulture, $"memory {PeakBytes / 1e9:0.00} GB at the peak, {Estimate.Total / 1e9:0.00} GB estimated");
        foreach (MemorySample sample in Memory)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  after step {sample.Step,-6} {sample.Held / 1e9,8:0.000} GB held, {sample.InUse / 1e9:0.000} GB in use, {sample.Host / 1e9:0.000} GB of the machine");
        }

        double all = Parts.Values.Sum();
        foreach ((StepPart part, double seconds) in Parts.Where(part => part.Value > 0))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {Name(part),-16} {1e3 * seconds,9:0.00} ms {100 * seconds / all,5:0.0} %");
        }

        return text.ToString().TrimEnd();
    }

    private static string Name(StepPart part) => part switch
    {
        StepPart.TeacherForward => "teacher_forward",
        StepPart.StudentForward => "student_forward",
        _ => part.ToString().ToLowerInvariant(),
    };
}
