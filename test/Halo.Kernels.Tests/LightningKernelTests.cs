using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels.Tests;

public sealed class LightningKernelTests
{
    [Theory]
    [InlineData(2, 512, 16, 128)]
    [InlineData(1, 1, 4, 128)]
    [InlineData(3, 200, 6, 64)]
    [InlineData(1, 16461, 16, 128)]
    [InlineData(2, 3000, 8, 64)]
    public void Outputs_states_and_gradients_equal_float64(int batch, int length, int heads, int size)
    {
        Gpu.Need();
        foreach ((bool withState, bool withDocuments) in new[] { (false, false), (true, false), (false, true), (true, true) })
        {
            using DisposeScope scope = NewDisposeScope();
            LightningInputs x = LightningInputs.Random(batch, length, heads, size, ScalarType.BFloat16);
            using var generator = new Generator(3);
            Tensor? resets = withDocuments ? (rand([batch, length], generator: generator) < 3.0 / Math.Min(length, 400)).to(CUDA) : null;
            Tensor weight = randn([batch, length, heads, size], generator: generator).to(ScalarType.BFloat16, CUDA), stateWeight = randn([batch, heads, size, size], generator: generator).to(CUDA);
            Tensor[] Run(ScalarType type)
            {
                Tensor Leaf(Tensor value, ScalarType to) => value.to(CUDA).to(to).detach().requires_grad_();
                Tensor q = Leaf(x.Q, type), k = Leaf(x.K, type), v = Leaf(x.V, type);
                Tensor? state = withState ? Leaf(x.State, type == ScalarType.Float64 ? type : ScalarType.Float32) : null;
                Assert.Equal(type == ScalarType.BFloat16, LightningKernels.Serves(q, k, v, x.Slopes));
                (Tensor o, Tensor? final) = Lightning.Chunked(q, k, v, x.Slopes, x.Scale, state, resets);
                ((o * weight).sum(ScalarType.Float64) + (final! * stateWeight).sum(ScalarType.Float64)).backward();
                return state is null ? [o.detach(), final!.detach(), q.grad!, k.grad!, v.grad!] : [o.detach(), final!.detach(), q.grad!, k.grad!, v.grad!, state.grad!];
            }

            Tensor[] expected = Run(ScalarType.Float64), found = Run(ScalarType.BFloat16);
            for (int i = 0; i < expected.Length; i++)
            {
                double size2 = expected[i].norm().item<double>(), error = (found[i].to(ScalarType.Float64) - expected[i]).norm().item<double>();
                Assert.True(error <= 1e-2 * size2, $"output {i}, state {withState}, documents {withDocuments}: error {error} of {size2}");
            }
        }
    }

    [Theory]
    [InlineData(1, 16, 1)]
    [InlineData(63, 4, 3)]
    [InlineData(512, 16, 12)]
    [InlineData(16461, 16, 3)]
    [InlineData(65536, 16, 1)]
    [InlineData(524288, 12, 1)]
    public void Jobs_write_every_token_once_and_warm_up_long_enough(int length, int heads, int rows)
    {
        double[] slopes = Lightning.Slopes(heads);
        int[] flat = LightningPlan.Jobs(length, slopes, rows, 264);
        int[][] jobs = [.. flat.Chunk(4)];
        for (int head = 0; head < heads; head++)
        {
            int next = 0;
            foreach (int[] job in jobs.Where(job => job[0] == head).OrderBy(job => job[2]))
            {
                Assert.Equal(next, job[2]);
                Assert.True(job[1] >= 0 && job[1] % LightningPlan.Chunk == 0 && job[2] % LightningPlan.Chunk == 0 && job[3] > job[2]);
                Assert.True(job[1] == 0 || (job[2] - job[1]) * slopes[head] >= 12, "the warm-up is too short");
                next = job[3];
            }

            Assert.Equal(length, next);
        }

        Assert.True(jobs.Length * rows <= Math.Max(264, heads * rows) + (heads * rows), "more jobs than places");
    }
}
