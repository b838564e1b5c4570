using Halo.Kernels.Decoding;
using TorchSharp;
using static TorchSharp.torch;
using static Halo.Kernels.Tests.Decoding.DecodeReference;

namespace Halo.Kernels.Tests.Decoding;

public class DecodeEndsTests
{
    [Theory]
    [InlineData("bf16", false)]
    [InlineData("bf16", true)]
    [InlineData("f32", false)]
    [InlineData("f32", true)]
    public void EmbeddingsAreTheRowsOfTheirIds(string typeName, bool codes)
    {
        Gpu.Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = Type(typeName);
        DecodeMatrix matrix = codes
            ? new DecodeMatrix(randint(-127, 128, [1000, 320], ScalarType.Int8).to(CUDA), rand(1000, 1).to(CUDA), null)
            : new DecodeMatrix(Values(type, 1000, 320), null, null);
        Tensor ids_B = tensor((long[])[0, 999, 17, 17, 500], device: CUDA), output_Bd = PartOfWider(Values(type, 5, 320), 0);
        DecodeEnds.Embed(ids_B, matrix, output_Bd);
        Tensor rows = matrix.Weight_NK.index_select(0, ids_B);
        Tensor expected = codes ? (rows.to_type(ScalarType.Float32) * matrix.Scales_N1!.index_select(0, ids_B)).to_type(type) : rows;
        Assert.True(output_Bd.Equals(expected));
    }

    [Theory]
    [InlineData(37)]
    [InlineData(8192)]
    [InlineData(151936)]
    public void TheLikeliestIdsAndTheNextPositions(int vocabulary)
    {
        Gpu.Need();
        using IDisposable constant = no_grad();
        using DisposeScope scope = NewDisposeScope();
        const int Batch = 8;
        Tensor ids_B = zeros(Batch, ScalarType.Int64, CUDA), positions_B = tensor((int[])[0, 5, -1, 1_000_000, 7, -1, 300, 1], device: CUDA);
        Tensor values = empty(Batch * DecodeEnds.Parts, ScalarType.Float32, CUDA), places = empty(Batch * DecodeEnds.Parts, ScalarType.Int32, CUDA), counters = zeros(Batch, ScalarType.Int32, CUDA), steps = zeros(1, ScalarType.Int32, CUDA);
        for (int round = 1; round <= 3; round++)
        {
            float[,] logits = new float[Batch, vocabulary];
            var random = new Random(round);
            for (int row = 0; row < Batch; row++)
            {
                for (int id = 0; id < vocabulary; id++)
                {
                    // Few different values: the greatest stands in several places.
                    logits[row, id] = row == 3 ? random.Next(4) : row == 4 ? float.NegativeInfinity : row == 5 ? float.NaN : (float)(random.NextDouble() - 3);
                }
            }

            logits[6, 0] = float.NaN;
            logits[6, vocabulary - 1] = float.NaN;
            logits[7, vocabulary - 1] = 100;
            long[] expected = [.. Enumerable.Range(0, Batch).Select(row =>
            {
                int best = -1;
                for (int id = 0; id < vocabulary; id++)
                {
                    best = float.IsNaN(logits[row, id]) || (best >= 0 && logits[row, id] <= logits[row, best]) ? best : id;
                }

                return (long)Math.Max(best, 0);
            })];
            DecodeEnds.Finish(tensor(logits).to(CUDA), ids_B, positions_B, values, places, counters, steps);
            Assert.Equal(expected, ids_B.cpu().data<long>().ToArray());
            Assert.Equal([round, 5 + round, -1, 1_000_000 + round, 7 + round, -1, 300 + round, 1 + round], positions_B.cpu().data<int>().ToArray());
            Assert.Equal(0, counters.abs().sum().item<long>());
            Assert.Equal(round, steps.item<int>());
        }
    }
}
