using Halo.Tensors;
using Halo.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests;

public sealed class LightningTests
{
    [Fact]
    public void Slopes_of_a_power_of_two_are_the_geometric_sequence()
    {
        double[] slopes = Lightning.Slopes(16);
        Assert.Equal(16, slopes.Length);
        Assert.Equal(0.4931, Math.Exp(-slopes[0]), 4);
        Assert.Equal(0.9961, Math.Exp(-slopes[15]), 4);
        Assert.Equal(Math.Sqrt(0.5), slopes[0], 12);
    }

    [Fact]
    public void Slopes_of_other_numbers_follow_the_rule_of_Alibi()
    {
        double[] expected = [.. Lightning.Slopes(8), .. Lightning.Slopes(16).Where((_, i) => i % 2 == 0).Take(4)];
        Assert.Equal(expected, Lightning.Slopes(12));
        Assert.Equal(40, Lightning.Slopes(40).Distinct().Count());
        Assert.Throws<ArgumentOutOfRangeException>(() => Lightning.Slopes(0));
    }

    [Theory]
    [InlineData("recurrent", 0)]
    [InlineData("parallel", 0)]
    [InlineData("chunked", 1)]
    [InlineData("chunked", 7)]
    [InlineData("chunked", 64)]
    [InlineData("chunked", 65)]
    [InlineData("chunked", 128)]
    [InlineData("chunked", 1000)]
    public void Every_form_equals_the_reference(string form, int chunk)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Golden.Path("ops/lightning.safetensors"));
        Tensor q = file.Read("q"), k = file.Read("k"), v = file.Read("v"), state = file.Read("initial_state");
        double[] slopes = [.. file.Read("log_decay").data<float>().Select(decay => -(double)decay)];
        double scale = 1 / Math.Sqrt(q.shape[3]);
        (Tensor o, Tensor? final) = form switch
        {
            "recurrent" => Lightning.Recurrent(q, k, v, slopes, scale, state),
            "parallel" => Lightning.Parallel(q, k, v, slopes, scale, state),
            _ => Lightning.Chunked(q, k, v, slopes, scale, state, null, chunk),
        };
        Near.Relative(file.Read("output"), o, 1e-5);
        Near.Relative(file.Read("final_state"), final!, 1e-5);
    }

    [Fact]
    public void Tokens_one_by_one_equal_the_reference()
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Golden.Path("ops/lightning.safetensors"));
        Tensor q = file.Read("q"), k = file.Read("k"), v = file.Read("v"), state = file.Read("initial_state");
        double[] slopes = [.. file.Read("log_decay").data<float>().Select(decay => -(double)decay)];
        var outputs = new List<Tensor>();
        for (int t = 0; t < q.shape[1]; t++)
        {
            (Tensor o, state) = Lightning.Recurrent(q.narrow(1, t, 1), k.narrow(1, t, 1), v.narrow(1, t, 1), slopes, 0.25, state);
            outputs.Add(o);
        }

        Near.Relative(file.Read("output"), cat(outputs, 1), 1e-5);
        Near.Relative(file.Read("final_state"), state, 1e-5);
    }

    [Theory]
    [InlineData(1, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 16)]
    [InlineData(95, 16)]
    [InlineData(96, 16)]
    [InlineData(300, 4)]
    public void Chunks_equal_the_recurrence_with_and_without_state_and_documents(int length, int chunk)
    {
        using DisposeScope scope = NewDisposeScope();
        LightningInputs x = LightningInputs.Random(2, length, 4, 8, ScalarType.Float64);
        using var generator = new Generator(7);
        foreach (Tensor? resets in new[] { null, rand([2, length], generator: generator) < 0.07, ones([2, length], ScalarType.Bool) })
        {
            foreach (Tensor? state in new[] { null, x.State })
            {
                (Tensor expected, Tensor expectedState) = Lightning.Recurrent(x.Q, x.K, x.V, x.Slopes, x.Scale, state, resets);
                (Tensor o, Tensor? final) = Lightning.Chunked(x.Q, x.K, x.V, x.Slopes, x.Scale, state, resets, chunk);
                Near.Relative(expected, o, 1e-12);
                Near.Relative(expectedState, final!, 1e-12);
                (Tensor alone, Tensor? none) = Lightning.Chunked(x.Q, x.K, x.V, x.Slopes, x.Scale, state, resets, chunk, wantState: false);
                Near.Relative(expected, alone, 1e-12);
                Assert.Null(none);
                (Tensor parallel, Tensor parallelState) = Lightning.Parallel(x.Q, x.K, x.V, x.Slopes, x.Scale, state, resets);
                Near.Relative(expected, parallel, 1e-12);
                Near.Relative(expectedState, parallelState, 1e-12);
            }
        }
    }

    [Fact]
    public void A_reset_forgets_all_that_came_before()
    {
        using DisposeScope scope = NewDisposeScope();
        LightningInputs x = LightningInputs.Random(1, 50, 2, 8, ScalarType.Float64);
        Tensor resets = zeros([1, 50], ScalarType.Bool);
        resets[0, 20] = tensor(true);
        Tensor whole = Lightning.Chunked(x.Q, x.K, x.V, x.Slopes, x.Scale, x.State, resets, 16).O_BTHD;
        Tensor second = Lightning.Recurrent(x.Q.narrow(1, 20, 30), x.K.narrow(1, 20, 30), x.V.narrow(1, 20, 30), x.Slopes, x.Scale).O_BTHD;
        Near.Relative(second, whole.narrow(1, 20, 30), 1e-12);
    }

    [Fact]
    public void Gradients_of_chunks_equal_those_of_the_recurrence()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] Gradients(bool chunked)
        {
            LightningInputs x = LightningInputs.Random(2, 45, 3, 8, ScalarType.Float64);
            Tensor[] leaves = [x.Q.requires_grad_(), x.K.requires_grad_(), x.V.requires_grad_(), x.State.requires_grad_()];
            (Tensor o, Tensor? state) = chunked
                ? Lightning.Chunked(x.Q, x.K, x.V, x.Slopes, x.Scale, x.State, null, 16)
                : Lightning.Recurrent(x.Q, x.K, x.V, x.Slopes, x.Scale, x.State);
            (o.sin().sum() + state!.cos().sum()).backward();
            return [.. leaves.Select(leaf => leaf.grad!)];
        }

        Tensor[] expected = Gradients(false), actual = Gradients(true);
        for (int i = 0; i < expected.Length; i++)
        {
            Near.Relative(expected[i], actual[i], 1e-11);
        }
    }

    [Fact]
    public void Bfloat16_stays_near_float32_and_keeps_the_type()
    {
        using DisposeScope scope = NewDisposeScope();
        LightningInputs x = LightningInputs.Random(2, 200, 4, 16, ScalarType.BFloat16);
        (Tensor expected, Tensor expectedState) = Lightning.Recurrent(
            x.Q.to(ScalarType.Float32), x.K.to(ScalarType.Float32), x.V.to(ScalarType.Float32), x.Slopes, x.Scale, x.State);
        (Tensor o, Tensor? state) = Lightning.Chunked(x.Q, x.K, x.V, x.Slopes, x.Scale, x.State, null, 64);
        Assert.Equal(ScalarType.BFloat16, o.dtype);
        Assert.Equal(ScalarType.Float32, state!.dtype);
        Near.Relative(expected, o, 0.02);
        Near.Relative(expectedState, state, 1e-5);
    }

    [Fact]
    public void Tables_made_in_inference_mode_serve_training_later()
    {
        using DisposeScope scope = NewDisposeScope();
        LightningInputs x = LightningInputs.Random(1, 40, 2, 8);
        double[] slopes = [0.3, 0.05];
        using (inference_mode(true))
        {
            Lightning.Chunked(x.Q, x.K, x.V, slopes, 1, null, null, 16);
        }

        x.K.requires_grad_();
        Lightning.Chunked(x.Q, x.K, x.V, slopes, 1, null, null, 16).O_BTHD.sum().backward();
        Assert.True(x.K.grad!.abs().sum().item<float>() > 0);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        LightningInputs x = LightningInputs.Random(1, 70, 2, 8);
        x.Q.requires_grad_();
        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor o, Tensor? state) = Lightning.Chunked(x.Q, x.K, x.V, x.Slopes, x.Scale, x.State, null, 16);
            (o.sum() + state!.sum()).backward();
            Lightning.Recurrent(x.Q.narrow(1, 0, 2), x.K.narrow(1, 0, 2), x.V.narrow(1, 0, 2), x.Slopes, x.Scale);
        }

        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 20; i++)
        {
            Step();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
