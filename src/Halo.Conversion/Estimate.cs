using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Models;
using Halo.Training;

namespace Halo.Conversion;

/// <summary>What a conversion will take: tokens and FLOP by counting (forward 2 N, forward and backward 6 N a token), memory by the tensors held, time at a stated rate.</summary>
/// <param name="TeacherParameters">N of the teacher.</param>
/// <param name="StudentParameters">N of the student.</param>
/// <param name="Stages">The stages.</param>
/// <param name="Rate">FLOP a second assumed.</param>
public sealed record Estimate(long TeacherParameters, long StudentParameters, IReadOnlyList<StageEstimate> Stages, double Rate)
{
    private const double CpuRate = 0.1e12;
    private const double GpuRate = 250e12;

    /// <summary>Estimates a recipe for a teacher.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="teacher">The teacher's configuration.</param>
    /// <param name="device">cpu or cuda: decides the rate assumed (0.1 and 250 TFLOP/s).</param>
    public static Estimate Of(Recipe recipe, ModelConfiguration teacher, string device)
    {
        int top = recipe.Selection.Kept(teacher.NumHiddenLayers);
        ModelConfiguration hybrid = WeightTransfer.Configuration(teacher, recipe.Student, [.. Enumerable.Range(0, top)]);
        long teacherCount = CausalLm.ParameterCount(teacher);
        long studentCount = CausalLm.ParameterCount(hybrid);
        long mixers = StageMemory.Mixers(WeightTransfer.Configuration(teacher, recipe.Student, []));
        double rate = device == "cpu" ? CpuRate : GpuRate;
        var stages = new List<StageEstimate>();
        void Add(string name, StageSpecification? stage, double flopPerToken)
        {
            if (stage is null)
            {
                return;
            }

            double tokens = (double)stage.Training.Steps * stage.Training.TokensPerStep;
            long memory = StageMemory.Of(recipe, teacher, name, stage.Training, device == "cpu" ? 4 : 2).Total;
            stages.Add(new StageEstimate(name, stage.Training.Steps, tokens, tokens * flopPerToken, memory, tokens * flopPerToken / rate));
        }

        Add(Halo.Conversion.Stages.Align, recipe.Stage1, (2.0 * teacherCount) + (6.0 * mixers));
        Add(Halo.Conversion.Stages.Distill, recipe.Stage2, (2.0 * teacherCount) + (6.0 * studentCount));
        Add(Halo.Conversion.Stages.Extend, recipe.Stage3, 6.0 * studentCount);
        return new Estimate(teacherCount, studentCount, stages, rate);
    }

    /// <summary>As JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["teacher_parameters"] = TeacherParameters,
        ["student_parameters"] = StudentParameters,
        ["assumed_flop_per_second"] = Rate,
        ["tokens"] = Stages.Sum(stage => stage.Tokens),
        ["flop"] = Stages.Sum(stage => stage.Flop),
        ["seconds"] = Stages.Sum(stage => stage.Seconds),
        ["stages"] = new JsonArray([.. Stages.Select(stage => (JsonNode)stage.ToJson())]),
    };

    /// <summary>As a table.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"teacher {TeacherParameters:N0} parameters, student {StudentParameters:N0}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{"stage",-8} {"steps",8} {"tokens",16} {"FLOP",10} {"memory",10} {"time",10}");
        foreach (StageEstimate stage in Stages)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{stage.Name,-8} {stage.Steps,8:N0} {stage.Tokens,16:N0} {stage.Flop,10:0.0e0} {stage.MemoryBytes / 1e9,7:F1} GB {TimeSpan.FromSeconds(stage.Seconds),10:d\\.hh\\:mm}");
        }

        return text.Append(CultureInfo.InvariantCulture, $"time as days.hours:minutes at an assumed {Rate / 1e12:G3} TFLOP/s; memory is an estimate of weights, optimizer state, activations and loss").ToString();
    }
}
