using CsCheck;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Text.Tests;

/// <summary>Properties of the order of rows: 2,000 inputs in all.</summary>
public sealed class RowOrderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ByteTokenizer _tokenizer = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>1,000 sizes up to 20,000 with any seeds.</summary>
    [Fact]
    public void TheShuffleIsAPermutation() =>
        Gen.Select(Gen.Frequency((1, Gen.Int[1, 70]), (1, Gen.Int[1, 20_000])), Gen.Long, Gen.Long).Sample(
            (count, seed, epoch) =>
            {
                var permutation = new Permutation(count, seed, epoch);
                var seen = new bool[count];
                for (int i = 0; i < count; i++)
                {
                    seen[permutation[i]] = true;
                }

                return seen.All(value => value);
            },
            iter: 1000);

    /// <summary>600 sizes up to 2^62: no two of a hundred places go to one.</summary>
    [Fact]
    public void TheShuffleOfAnySizeStaysInsideAndKeepsPlacesApart() =>
        Gen.Select(Gen.Long[100, 1L << 62], Gen.Long, Gen.Long).Sample(
            (count, seed, epoch) =>
            {
                var permutation = new Permutation(count, seed, epoch);
                long[] places = [.. Enumerable.Range(0, 100).Select(i => permutation[i])];
                return places.All(place => place >= 0 && place < count) && places.Distinct().Count() == 100;
            },
            iter: 600);

    /// <summary>200 ways to split the work, each of packed, mixed and recall rows.</summary>
    [Fact]
    public void ARowIsTheSameWhateverWasReadBefore()
    {
        _folder.Write("a.jsonl", string.Concat(Enumerable.Range(0, 60).Select(i => $"{{\"text\": \"{string.Concat(Enumerable.Range(0, i % 9 * 4).Select(n => $"{i * n} "))}.\"}}\n")));
        using TokenStore store = _folder.Open("a.jsonl").Training;
        Gen.Select(Gen.Long, Gen.Int[1, 40], Gen.Int[0, 3000], Gen.Int[1, 9].Array[1, 6]).Sample(
            (seed, length, first, parts) =>
            {
                foreach (Func<IRowSource> make in Sources(store, length, seed))
                {
                    TokenBatch whole = make().Read(first, parts.Sum());
                    int width = length + 1;
                    int done = 0;
                    foreach (int part in parts)
                    {
                        // A new source each time, as after a restart.
                        TokenBatch again = make().Read(first + done, part);
                        Assert.Equal(whole.Ids[(done * width)..((done + part) * width)], again.Ids);
                        Assert.Equal(whole.Segments![(done * width)..((done + part) * width)], again.Segments!);
                        done += part;
                    }
                }
            },
            iter: 200);
    }

    /// <summary>200 mixtures with weights over nine orders of magnitude.</summary>
    [Fact]
    public void EverySourceOfAMixtureIsReadInItsProportion() =>
        Gen.Select(Gen.Double[-7, 2].Array[2, 6], Gen.Long).Sample(
            (powers, seed) =>
            {
                double[] weights = [.. powers.Select(power => Math.Pow(10, power))];
                var mixed = new MixedRows([.. weights.Select(weight => ((IRowSource)new NoRows(), weight))], seed);
                for (int source = 0; source < weights.Length; source++)
                {
                    double share = weights[source] / weights.Sum();
                    Assert.InRange(mixed.ShareOf(source), 0.9 * share, 1.1 * share);
                }
            },
            iter: 200);

    [Theory]
    [InlineData(0.0004)]
    [InlineData(0.0001)]
    public void ARareSourceIsNotDropped(double weight)
    {
        var mixed = new MixedRows([(new NoRows(), 1 - weight), (new NoRows(), weight)], 3);
        List<long> rare = [.. Enumerable.Range(0, 200_000).Select(row => mixed.Place(row)).Where(place => place.Source == 1).Select(place => place.Row)];
        Assert.Equal(200_000 * weight, rare.Count);
        Assert.Equal(Enumerable.Range(0, rare.Count).Select(row => (long)row), rare.Order());
    }

    private IEnumerable<Func<IRowSource>> Sources(TokenStore store, int length, long seed)
    {
        IRowSource Packed() => new PackedRows(store, length, segments: true, seed);
        IRowSource Recall() => new RecallRows(_tokenizer, new RecallOptions { MinDocument = 20, MaxDocument = 60 }, length, 256, segments: true, seed, store);
        yield return Packed;
        yield return Recall;
        yield return () => new MixedRows([(Packed(), 3), (Recall(), 0.001)], seed);
    }

    private sealed class NoRows : IRowSource
    {
        public int RowLength => 1;

        public TokenBatch Read(long firstRow, int count) => throw new NotSupportedException();
    }
}
