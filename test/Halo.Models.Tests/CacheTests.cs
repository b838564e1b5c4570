using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

public sealed class CacheTests
{
    public static TheoryData<string> Names => [.. GoldenModel.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Whole_rows_blocks_and_single_tokens_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load(name);
        Tensor ids = GoldenModel.Ids(2, 300);
        Tensor expected = model.Hidden(ids);
        foreach (int[] blocks in new int[][] { [300], [137, 1, 1, 33, 128], [1, 2, 296, 1], [.. Enumerable.Repeat(1, 40)] })
        {
            using HybridCache cache = HybridCache.Create(model, 2);
            Near.Relative(expected.narrow(1, 0, blocks.Sum()), Run.Blocks(model, ids, cache, blocks), 2e-5);
            Assert.Equal(blocks.Sum(), cache.Length);
        }
    }

    [Fact]
    public void Selected_rows_continue_like_their_origins()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        Tensor ids = GoldenModel.Ids(2, 40);
        using HybridCache cache = HybridCache.Create(model, 2);
        Run.Blocks(model, ids, cache, 40);
        using HybridCache selected = cache.Select([1, 0, 1]);
        Tensor next = GoldenModel.Ids(3, 7, 5);
        Tensor actual = model.Hidden(next, cache: selected);
        Tensor rows = cat([ids[1].unsqueeze(0), ids[0].unsqueeze(0), ids[1].unsqueeze(0)], 0);
        Near.Relative(model.Hidden(cat([rows, next], 1)).narrow(1, 40, 7), actual, 2e-5);
    }

    [Fact]
    public void Bytes_follow_layers_and_length()
    {
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        using HybridCache cache = HybridCache.Create(model, 2);
        long states = 2 * 2 * 4 * 16 * 16 * 4; // two Lightning layers, float32
        Assert.Equal(states, cache.Bytes);
        using (Tensor hidden = model.Hidden(GoldenModel.Ids(2, 300), cache: cache))
        {
            Assert.Equal(states + (2 * 2 * 2 * 2 * 16 * 4 * 512), cache.Bytes); // two attention layers, K and V, two heads, room for 512
        }
    }

    [Fact]
    public void Long_prefill_against_a_cache_goes_in_query_blocks()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("qwen3-yarn");
        Tensor ids = GoldenModel.Ids(1, 6500);
        LayerContext first = model.Context(ids);
        Assert.False(first.IsMasked);
        using HybridCache cache = HybridCache.Create(model, 1);
        Run.Blocks(model, ids, cache, 100);
        Assert.True(model.Context(ids.narrow(1, 100, 6400), null, cache).QueryBlock < 6400);
        Tensor last = model.Hidden(ids.narrow(1, 100, 6400), cache: cache).narrow(1, 6390, 10);
        Near.Relative(model.Hidden(ids).narrow(1, 6490, 10), last, 5e-5);

        // One document, said in so many words: with masks.
        using HybridCache masked = HybridCache.Create(model, 1);
        SequenceLayout layout = SequenceLayout.Documents(zeros([1, 100], ScalarType.Int64)), rest = SequenceLayout.Documents(zeros([1, 6400], ScalarType.Int64));
        model.Hidden(ids.narrow(1, 0, 100), layout, masked);
        Near.Relative(last, model.Hidden(ids.narrow(1, 100, 6400), rest, masked).narrow(1, 6390, 10), 5e-5);
    }

    [Fact]
    public void Old_keys_go_in_pieces()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = GoldenModel.Load("hypenet");
        Tensor ids = GoldenModel.Ids(1, 8300);
        using HybridCache cache = HybridCache.Create(model, 1);
        Assert.Equal(2, KeyPieces.Of(8260).Count());
        Near.Relative(model.Hidden(ids).narrow(1, 8260, 40), Run.Blocks(model, ids, cache, 8260, 40).narrow(1, 8260, 40), 5e-5);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8192, 1)]
    [InlineData(8193, 2)]
    [InlineData(524288 - 8192, 3 + 4)]
    [InlineData(1_000_000, 7 + 3)]
    public void Pieces_of_keys_cover_them_in_few_lengths(long keys, int expected)
    {
        (long Start, long Count)[] pieces = [.. KeyPieces.Of(keys)];
        Assert.Equal(expected, pieces.Length);
        Assert.Equal(keys, pieces.Sum(piece => piece.Count));
        Assert.All(pieces.Index(), one => Assert.Equal(pieces.Take(one.Index).Sum(piece => piece.Count), one.Item.Start));
        Assert.All(pieces.SkipLast(1), piece => Assert.True(long.IsPow2(piece.Count) && piece.Count is >= KeyPieces.Smallest and <= KeyPieces.Largest));
    }
}
