using Halo.Core;
using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training.Tests;

public sealed class RecallProbeTests
{
    [Fact]
    public void CountsAnswersByTheirIds()
    {
        using CausalLm model = Models.Create(hybrid: true, seed: 4);
        // Rows are built so that the model's own argmax is known: ids are read from it, then some answers are spoilt.
        int[] ids = new Rows(12, Models.Vocabulary).Read(0, 2).Ids;
        using (no_grad())
        {
            for (int row = 0; row < 2; row++)
            {
                for (int at = 1; at < 13; at++)
                {
                    Tensor input = tensor(ids[(row * 13)..((row * 13) + at)], [1, at]).to_type(ScalarType.Int64);
                    ids[(row * 13) + at] = (int)model.Logits(model.Hidden(input))[0, at - 1].argmax().ToInt64();
                }
            }
        }

        bool[] answers = new bool[26];
        // Row 0: one that starts at the row's first id (left out), answers of 3 and 1 ids; row 1: one of 4 at the row's end.
        foreach (int at in new[] { 0, 1, 4, 5, 6, 9, 22, 23, 24, 25 })
        {
            answers[at] = true;
        }

        var batch = new TokenBatch(ids, 2, 12, null, answers);
        Assert.Equal(new RecallScore(1, 1, 8, 3), RecallProbe.Measure(model, batch, false, rows: 1));
        batch.Ids[25] = (batch.Ids[25] + 1) % Models.Vocabulary;
        Assert.Equal(new RecallScore(7.0 / 8, 2.0 / 3, 8, 3), RecallProbe.Measure(model, batch, false));
        Assert.Throws<HaloException>(() => RecallProbe.Measure(model, batch with { Answers = null }, false));
        Assert.Throws<HaloException>(() => RecallProbe.Measure(model, batch with { Answers = new bool[26] }, false));
    }
}
