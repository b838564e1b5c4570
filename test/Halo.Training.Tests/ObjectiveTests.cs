using Halo.Core;
using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

/// <summary>Objectives on whole models against plain autograd over float64 and against finite differences.</summary>
public sealed class ObjectiveTests
{
    private static readonly TrainingOptions Options = new() { RowLength = 9, LossChunk = 7 };

    private static readonly TokenBatch Batch = new Rows(9, Models.Vocabulary, segments: true).Read(0, 3);

    private static void RequireGradients(IEnumerable<Parameter> parameters)
    {
        foreach (Parameter parameter in parameters)
        {
            parameter.Value = parameter.Value.detach().requires_grad_();
        }
    }

    private static Dictionary<string, Tensor> Gradients(IReadOnlyList<Parameter> parameters, Action compute)
    {
        RequireGradients(parameters);
        compute();
        return parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value.grad?.clone() ?? zeros_like(parameter.Value));
    }

    private static void Same(Dictionary<string, Tensor> expected, Dictionary<string, Tensor> found, double tolerance)
    {
        Assert.Equal(expected.Keys.Order(), found.Keys.Order());
        double largest = expected.Values.Max(gradient => gradient.abs().max().ToDouble());
        Assert.True(largest > 1e-3);
        Assert.All(expected, pair => Assert.True((pair.Value - found[pair.Key]).abs().max().ToDouble() <= tolerance * largest, pair.Key));
    }

    private static (Tensor Inputs, Tensor Labels, SequenceLayout? Layout) Plain(bool documents)
    {
        Tensor ids = tensor(Batch.Ids, [3, 10]).to_type(ScalarType.Int64), segments = tensor(Batch.Segments!, [3, 10]).to_type(ScalarType.Int64);
        return (ids[.., ..9].contiguous(), ids[.., 1..].reshape(-1), documents ? SequenceLayout.Documents(segments[.., ..9].contiguous()) : null);
    }

    [Theory]
    [InlineData(true, true, false, false)]
    [InlineData(true, false, false, true)]
    [InlineData(true, true, true, true)]
    [InlineData(false, false, true, false)]
    public void NextTokenEqualsAutograd(bool hybrid, bool tied, bool recompute, bool documents)
    {
        using CausalLm model = Models.Create(hybrid, seed: 4, tied);
        var (inputs, labels, layout) = Plain(documents);
        Tensor? expectedLoss = null;
        var expected = Gradients(model.Parameters, () =>
        {
            expectedLoss = nn.functional.cross_entropy(model.Logits(model.Hidden(inputs, layout)).view(-1, Models.Vocabulary), labels);
            (expectedLoss * 0.25).backward();
        });
        LossValue? value = null;
        TrainingOptions options = Options with { Recompute = recompute, DocumentMask = documents };
        var found = Gradients(model.Parameters, () => value = new NextTokenObjective(model, options).Accumulate(Batch, 0.25));
        Same(expected, found, 1e-5);
        Assert.Equal(0.25 * expectedLoss!.ToDouble(), value!.Loss.ToDouble(), 1e-5);
        Assert.Equal(27, value.Tokens);
    }

    [Fact]
    public void DocumentMaskChangesTheLossAndNoLabelIsLost()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 4);
        RequireGradients(model.Parameters);
        LossValue with = new NextTokenObjective(model, Options with { DocumentMask = true }).Accumulate(Batch, 1);
        LossValue without = new NextTokenObjective(model, Options).Accumulate(Batch, 1);
        Assert.NotEqual(with.Loss.ToDouble(), without.Loss.ToDouble(), 1e-4);
        Assert.Equal((27L, 27L), (with.Tokens, without.Tokens));
    }

    /// <summary>The number of supervised tokens: on a model of uniform output every token costs ln V, so the sum over rows counts them.</summary>
    [Fact]
    public void EveryTokenOfEveryRowIsSupervised()
    {
        using CausalLm model = Models.Create(hybrid: false, seed: 4, tied: false);
        using (no_grad())
        {
            model.HeadParameter.Value.zero_();
        }

        RequireGradients(model.Parameters);
        LossValue value = new NextTokenObjective(model, Options).Accumulate(Batch, 1);
        Assert.Equal(Math.Log(Models.Vocabulary), value.Loss.ToDouble(), 1e-5);

        // With hidden states of norm sqrt(d) the head's gradient is sum over tokens of (softmax - onehot) h / N: its onehot part names every label as often as it occurs.
        using (no_grad())
        {
            foreach (Parameter parameter in model.Parameters.Where(parameter => parameter.Name == "model.norm.weight"))
            {
                parameter.Value.fill_(1);
            }
        }

        var (inputs, labels, _) = Plain(false);
        Tensor hidden = model.Hidden(inputs).detach().view(-1, 16);
        Tensor onehot = zeros(27, Models.Vocabulary).scatter_(1, labels.unsqueeze(1), ones(27, 1));
        Tensor expected = (full(27, Models.Vocabulary, 1.0 / Models.Vocabulary) - onehot).t().mm(hidden) / 27;
        Assert.True(allclose(expected, model.HeadParameter.Value.grad!, 1e-4, 1e-6));
    }

    [Theory]
    [InlineData(false, 0.0)]
    [InlineData(true, 0.5)]
    public void DistillationEqualsAutograd(bool recompute, double weight)
    {
        using CausalLm student = Models.Create(hybrid: true, seed: 4), teacher = Models.Create(hybrid: false, seed: 5);
        var (inputs, labels, layout) = Plain(true);
        Tensor? expectedLoss = null;
        var expected = Gradients(student.Parameters, () =>
        {
            Tensor target = teacher.Logits(teacher.Hidden(inputs, layout)).view(-1, Models.Vocabulary).log_softmax(-1).detach();
            Tensor logits = student.Logits(student.Hidden(inputs, layout)).view(-1, Models.Vocabulary);
            expectedLoss = nn.functional.kl_div(logits.log_softmax(-1), target, log_target: true, reduction: nn.Reduction.Sum) / 27;
            expectedLoss += weight * nn.functional.cross_entropy(logits, labels);
            expectedLoss.backward();
        });
        LossValue? value = null;
        TrainingOptions options = Options with { Recompute = recompute, DocumentMask = true };
        var found = Gradients(student.Parameters, () => value = new DistillationObjective(student, teacher, options, weight).Accumulate(Batch, 1));
        Same(expected, found, 1e-5);
        Assert.Equal(expectedLoss!.ToDouble(), value!.Loss.ToDouble(), 1e-5);
        Assert.Equal(27, value.Tokens);
        Assert.Equal(weight == 0 ? ["kl"] : ["cross_entropy", "kl"], value.Extras.Keys.Order());
    }

    [Fact]
    public void AlignmentEqualsAutogradLayerByLayer()
    {
        using CausalLm teacher = Models.Create(hybrid: false, seed: 5), student = Models.Create(hybrid: true, seed: 4, lightningOnly: true);
        var (inputs, _, _) = Plain(false);
        var objective = new AlignmentObjective(teacher, student, [2, 0], Options);
        double expectedLoss = 0;
        var relative = new List<double>();
        var expected = Gradients(objective.Trained, () =>
        {
            LayerContext teacherContext = teacher.Context(inputs), studentContext = student.Context(inputs);
            Tensor x = teacher.Embed(inputs);
            foreach (int layer in new[] { 0, 1, 2 })
            {
                Tensor normed = teacher.Layers[layer].InputNorm(x), target = teacher.Layers[layer].Mixer.Forward(normed, teacherContext);
                if (layer != 1)
                {
                    Tensor loss = (student.Layers[layer].Mixer.Forward(normed, studentContext) - target).square().mean();
                    (loss * 0.5).backward();
                    expectedLoss += 0.5 * loss.ToDouble();
                    relative.Add(0.5 * loss.ToDouble() / target.var(unbiased: false).ToDouble());
                }

                x = teacher.Layers[layer].Forward(x, teacherContext);
            }
        });
        LossValue? value = null;
        var found = Gradients(objective.Trained, () => value = objective.Accumulate(Batch, 0.5));
        Same(expected, found, 1e-5);
        Assert.Equal(expectedLoss, value!.Loss.ToDouble(), 1e-4 * expectedLoss);
        float[] errors = value.Extras["relative_error"].data<float>().ToArray();
        Assert.Equal(2, errors.Length);
        Assert.All(errors.Zip(relative), pair => Assert.Equal(pair.Second, pair.First, 1e-4 * pair.Second));
        Assert.DoesNotContain(objective.Trained, parameter => parameter.Name.Contains("layers.1.", StringComparison.Ordinal));
    }

    /// <summary>Float64 models: a change of the loss along a random direction against the gradient along it.</summary>
    [Theory]
    [InlineData("next-token")]
    [InlineData("distillation")]
    [InlineData("alignment")]
    public void GradientsEqualFiniteDifferences(string kind)
    {
        using CausalLm student = Models.Create(hybrid: true, seed: 4, type: ScalarType.Float64, lightningOnly: kind == "alignment");
        using CausalLm teacher = Models.Create(hybrid: false, seed: 5, type: ScalarType.Float64);
        IObjective objective = kind switch
        {
            "next-token" => new NextTokenObjective(student, Options),
            "distillation" => new DistillationObjective(student, teacher, Options, 0.5),
            _ => new AlignmentObjective(teacher, student, [0, 1, 2], Options),
        };
        var gradients = Gradients(objective.Trained, () => objective.Accumulate(Batch, 1));
        manual_seed(1);
        var directions = objective.Trained.ToDictionary(parameter => parameter.Name, parameter => randn_like(parameter.Value).detach());
        double expected = objective.Trained.Sum(parameter => (gradients[parameter.Name] * directions[parameter.Name]).sum().ToDouble());
        const double Step = 1e-4;
        double found = (At(Step) - At(-Step)) / (2 * Step);
        // Norms and softmax compute in float32 inside the model, which bounds what differences can show.
        Assert.Equal(expected, found, 2e-2 * Math.Abs(expected) + 1e-3);

        double At(double step)
        {
            Move(step);
            double loss = objective.Accumulate(Batch, 1).Loss.ToDouble();
            Move(-step);
            return loss;
        }

        void Move(double step)
        {
            using IDisposable noGradient = no_grad();
            foreach (Parameter parameter in objective.Trained)
            {
                parameter.Value.add_(directions[parameter.Name], step);
            }
        }
    }

    /// <summary>Two threads that launch a step give what one gives, bit for bit, however often.</summary>
    [Theory]
    [InlineData("distillation")]
    [InlineData("alignment")]
    public void ASecondThreadChangesNothing(string kind)
    {
        using CausalLm student = Models.Create(hybrid: true, seed: 4, lightningOnly: kind == "alignment"), teacher = Models.Create(hybrid: false, seed: 5);
        IObjective Objective(bool beside) => kind == "alignment"
            ? new AlignmentObjective(teacher, student, [0, 1, 2], Options) { Beside = beside }
            : new DistillationObjective(student, teacher, Options with { DocumentMask = true }, 0.5) { Beside = beside };
        LossValue? one = null, two = null;
        var expected = Gradients(Objective(false).Trained, () => one = Objective(false).Accumulate(Batch, 0.5));
        for (int time = 0; time < 20; time++)
        {
            var found = Gradients(Objective(true).Trained, () => two = Objective(true).Accumulate(Batch, 0.5));
            Same(expected, found, 0);
            Assert.Equal(one!.Loss.ToDouble(), two!.Loss.ToDouble());
            Assert.All(one.Extras, extra => Assert.True(extra.Value.equal(two.Extras[extra.Key]).all().item<bool>(), extra.Key));
        }
    }

    /// <summary>What fails on the second thread fails in the step, and the next step works.</summary>
    [Fact]
    public void AFailureOnTheSecondThreadIsTheSteps()
    {
        using CausalLm student = Models.Create(hybrid: true, seed: 4), teacher = Models.Create(hybrid: false, seed: 5);
        var objective = new DistillationObjective(student, teacher, Options) { Beside = true };
        RequireGradients(student.Parameters);
        Tensor norm = teacher.Parameters[^1].Value;
        Tensor broken = norm.clone();
        teacher.Parameters[^1].Value = broken;
        broken.Dispose();
        Assert.ThrowsAny<Exception>(() => objective.Accumulate(Batch, 1));
        teacher.Parameters[^1].Value = norm;
        Assert.True(double.IsFinite(objective.Accumulate(Batch, 1).Loss.ToDouble()));
    }

    [Fact]
    public void RefusesModelsThatDoNotFit()
    {
        using CausalLm student = Models.Create(hybrid: true, seed: 4);
        using CausalLm teacher = CausalLm.Create(Models.Configuration(hybrid: false) with { VocabSize = 50 }, CPU, ScalarType.Float32, 1);
        Assert.Equal("vocab_size", Assert.Throws<HaloException>(() => new DistillationObjective(student, teacher, Options)).Where);
        Assert.Equal("layers", Assert.Throws<HaloException>(() => new AlignmentObjective(teacher, student, [3], Options)).Where);
        Assert.Equal("layers", Assert.Throws<HaloException>(() => new AlignmentObjective(teacher, student, [], Options)).Where);
    }
}
