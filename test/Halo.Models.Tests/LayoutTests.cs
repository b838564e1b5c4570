using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class LayoutTests
{
    private static readonly int[] Lengths = [150, 97, 1, 140];

    public static TheoryData<string> Names => [.. GoldenModel.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_padded_in_front_give_what_single_rows_give(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load(name);
        Tensor ids = GoldenModel.Ids(4, 150);
        int[] pads = [.. Lengths.Select(length => 150 - length)];
        Tensor whole = model.Hidden(ids, SequenceLayout.Left(pads));
        using HybridCache cache = HybridCache.Create(model, 4);
        Tensor blocks = Run.Blocks(model, ids, cache, pads, null, 60, 70, 18, 1, 1);
        Assert.True(whole.isfinite().all().item<bool>());
        for (int row = 0; row < 4; row++)
        {
            Tensor expected = model.Hidden(ids[row].narrow(0, pads[row], Lengths[row]).unsqueeze(0))[0];
            Near.Relative(expected, whole[row].narrow(0, pads[row], Lengths[row]), 2e-5);
            Near.Relative(expected, blocks[row].narrow(0, pads[row], Lengths[row]), 2e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_padded_behind_give_what_single_rows_give(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load(name);
        Tensor ids = GoldenModel.Ids(4, 150);
        Tensor whole = model.Hidden(ids, SequenceLayout.Right(Lengths));
        for (int row = 0; row < 4; row++)
        {
            Tensor expected = model.Hidden(ids[row].narrow(0, 0, Lengths[row]).unsqueeze(0))[0];
            Near.Relative(expected, whole[row].narrow(0, 0, Lengths[row]), 2e-5);
        }
    }

    [Fact]
    public void Documents_do_not_see_each_other()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        Tensor ids = GoldenModel.Ids(2, 150);
        Tensor segments = cat([zeros([2, 40], ScalarType.Int64), ones([2, 77], ScalarType.Int64), full([2, 33], 5, ScalarType.Int64)], 1);
        Tensor whole = model.Hidden(ids, SequenceLayout.Documents(segments));

        // The second document's outputs do not change with the first document's tokens; its positions do run on.
        Tensor other = cat([GoldenModel.Ids(2, 40, 8), ids.narrow(1, 40, 110)], 1);
        Near.Relative(whole.narrow(1, 40, 110), model.Hidden(other, SequenceLayout.Documents(segments)).narrow(1, 40, 110), 1e-6);
        Assert.True((whole - model.Hidden(ids)).narrow(1, 40, 110).abs().max().item<float>() > 1e-3);

        // Without position in attention and with relative position in Lightning layers, a document alone gives the same.
        Near.Relative(model.Hidden(ids.narrow(1, 40, 77)), whole.narrow(1, 40, 77), 2e-5);

        using HybridCache cache = HybridCache.Create(model, 2);
        Near.Relative(whole, Run.Blocks(model, ids, cache, null, segments, 30, 10, 1, 1, 90, 18), 2e-5);
    }

    [Fact]
    public void Documents_and_pads_in_front_go_together()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet-scaled");
        Tensor ids = GoldenModel.Ids(2, 60);
        Tensor segments = cat([zeros([2, 30], ScalarType.Int64), ones([2, 30], ScalarType.Int64)], 1);
        int[] pads = [0, 13];
        Tensor whole = model.Hidden(ids, new() { PadLeft = pads, Segments_BT = segments });
        Tensor alone = model.Hidden(ids[1].narrow(0, 13, 47).unsqueeze(0), SequenceLayout.Documents(segments[1].narrow(0, 13, 47).unsqueeze(0)));
        Near.Relative(alone[0], whole[1].narrow(0, 13, 47), 2e-5);
        using HybridCache cache = HybridCache.Create(model, 2);
        Near.Relative(whole[1].narrow(0, 13, 47), Run.Blocks(model, ids, cache, pads, segments, 10, 25, 1, 24)[1].narrow(0, 13, 47), 2e-5);
    }

    [Fact]
    public void What_does_not_fit_together_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        using HybridCache cache = HybridCache.Create(model, 2);
        Tensor ids = GoldenModel.Ids(2, 10);
        Assert.Throws<ArgumentException>(() => model.Hidden(ids, SequenceLayout.Right(10, 5), cache));
        Assert.Throws<ArgumentException>(() => model.Hidden(ids, SequenceLayout.Left(1, 2, 3)));
        Assert.Throws<ArgumentException>(() => model.Hidden(GoldenModel.Ids(3, 10), null, cache));
        model.Hidden(ids, SequenceLayout.Left(0, 3), cache);
        Assert.Throws<ArgumentException>(() => model.Hidden(ids, SequenceLayout.Left(0, 4), cache));
    }
}
