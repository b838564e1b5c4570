using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

/// <summary>What a trainer relies on: gradients, layers one by one, swapped parameters, no leaks.</summary>
public sealed class TrainingUseTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Every_parameter_gets_a_gradient_in_its_own_type(ScalarType compute)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = GoldenModel.Load("hypenet");
        model.ComputeType = compute;
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value.requires_grad_();
        }

        Tensor ids = GoldenModel.Ids(2, 33);
        nn.functional.cross_entropy(model.Logits(model.Hidden(ids)).view(-1, 151), ids.view(-1)).backward();
        foreach (Parameter parameter in model.Parameters)
        {
            Assert.Equal(ScalarType.Float32, parameter.Value.grad!.dtype);
            Assert.True(parameter.Value.grad.abs().max().item<float>() > 0, parameter.Name);
        }
    }

    [Fact]
    public void A_directional_derivative_equals_the_difference_quotient()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = CausalLm.Load(GoldenModel.Folder("hypenet-scaled"), CPU, ScalarType.Float64);
        Tensor ids = GoldenModel.Ids(1, 20);
        Tensor Loss() => model.Hidden(ids).pow(3).sum();
        using var generator = new Generator(4);
        Tensor[] directions = [.. model.Parameters.Select(parameter => randn([.. parameter.Shape], ScalarType.Float64, generator: generator))];
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value.requires_grad_();
        }

        Loss().backward();
        double slope = model.Parameters.Zip(directions).Sum(pair => (pair.First.Value.grad! * pair.Second).sum().item<double>());
        using IDisposable constant = no_grad();
        void Move(double step)
        {
            foreach ((Parameter parameter, Tensor direction) in model.Parameters.Zip(directions))
            {
                parameter.Value.add_(direction * step);
            }
        }

        const double Step = 1e-6;
        Move(Step);
        double above = Loss().item<double>();
        Move(-2 * Step);
        double quotient = (above - Loss().item<double>()) / (2 * Step);

        // Angles and scales stay float32, which does not touch the derivative of a function that uses them as they are.
        Assert.Equal(slope, quotient, Math.Abs(slope) * 1e-5);
    }

    [Fact]
    public void Layers_one_by_one_and_in_parts_give_the_same()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        Tensor ids = GoldenModel.Ids(2, 40);
        LayerContext context = model.Context(ids, SequenceLayout.Left(0, 3));
        Tensor x = model.Embed(ids);
        for (int i = 0; i < model.Layers.Count; i++)
        {
            DecoderLayer layer = model.Layers[i];
            Tensor parts = layer.AfterMixer(x, layer.Mixer.Forward(layer.InputNorm(x), context));
            x = model.LayerForward(i, x, context);
            Near.Relative(x, parts, 0);
        }

        Near.Relative(model.Hidden(ids, SequenceLayout.Left(0, 3)), model.FinalNorm(x), 0);
    }

    [Fact]
    public void A_parameter_may_become_a_view_of_a_flat_buffer()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = GoldenModel.Load("qwen3-untied");
        Tensor ids = GoldenModel.Ids(1, 20);
        Tensor expected = model.Hidden(ids);
        Tensor flat = cat([.. model.Parameters.Select(parameter => parameter.Value.reshape(-1))], 0);
        long start = 0;
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value = flat.narrow(0, start, parameter.Count).view([.. parameter.Shape]);
            start += parameter.Count;
        }

        Near.Relative(expected, model.Hidden(ids), 0);
        Assert.Throws<ArgumentException>(() => model.Parameters[0].Value = flat);
    }

    [Fact]
    public void Many_steps_and_tokens_leave_no_tensor_behind()
    {
        using CausalLm model = GoldenModel.Load("hypenet-scaled");
        model.ComputeType = ScalarType.BFloat16;
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value.requires_grad_();
        }

        using Tensor ids = GoldenModel.Ids(2, 40);
        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor segments = (arange(40, ScalarType.Int64) / 7).to(ScalarType.Int64).expand(2, 40);
            model.Logits(model.Hidden(ids, new() { Segments_BT = segments, PadLeft = [0, 4] })).sum().backward();
            using IDisposable constant = no_grad();
            using HybridCache cache = HybridCache.Create(model, 2);
            model.Hidden(ids, SequenceLayout.Left(0, 5), cache);
            model.Hidden(ids.narrow(1, 0, 1), null, cache);
            using HybridCache other = cache.Select([0]);
        }

        Step();
        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 10; i++)
        {
            Step();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
