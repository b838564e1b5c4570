using Halo.Core;
using Halo.Models;

namespace Halo.Inference.Tests;

public sealed class GeneratorTests : IDisposable
{
    private readonly CausalLm model = TinyModel.Load("hypenet");

    private static int[][] Prompts => [TinyModel.Ids(17, 1), TinyModel.Ids(1, 2), TinyModel.Ids(40, 3), TinyModel.Ids(40, 4)];

    public void Dispose() => model.Dispose();

    [Theory]
    [InlineData("hypenet")]
    [InlineData("hypenet-scaled")]
    [InlineData("qwen3-untied")]
    [InlineData("qwen3-yarn")]
    public void GreedyEqualsReadingEverythingAnewForEveryToken(string name)
    {
        using CausalLm tiny = TinyModel.Load(name);
        int[][] expected = [.. Prompts.Select(prompt => TinyModel.Greedy(tiny, prompt, 12))];
        Assert.Equal(expected, new Generator(tiny).Generate(Prompts, new GenerationOptions { MaxTokens = 12 }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(39)]
    [InlineData(40)]
    public void PrefillInBlocksChangesNothing(int block)
    {
        var options = new GenerationOptions { MaxTokens = 8 };
        int[][] whole = new Generator(model).Generate(Prompts, options);
        Assert.Equal(whole, new Generator(model) { PrefillBlock = block }.Generate(Prompts, options));
    }

    [Fact]
    public void SamplingDependsOnSeedAndRowAloneNotOnTheBatch()
    {
        var options = new GenerationOptions { MaxTokens = 10, Temperature = 1.3, TopP = 0.9, Seed = 5 };
        int[][] together = new Generator(model).Generate(Prompts, options);
        for (int row = 0; row < Prompts.Length; row++)
        {
            Assert.Equal(together[row], new Generator(model).Generate([Prompts[row]], options with { FirstRow = row })[0]);
        }

        Assert.NotEqual(together, new Generator(model).Generate(Prompts, options with { Seed = 6 }));
        int[][] same = new Generator(model).Generate([Prompts[0], Prompts[0]], options);
        Assert.NotEqual(same[0], same[1]);
    }

    [Fact]
    public void ATinyTopPIsGreedy()
    {
        var options = new GenerationOptions { MaxTokens = 10, Temperature = 1, TopP = 1e-6, Seed = 5 };
        Assert.Equal(new Generator(model).Generate(Prompts, new GenerationOptions { MaxTokens = 10 }), new Generator(model).Generate(Prompts, options));
    }

    [Fact]
    public void RowsEndAtStopIdsAndAtTheirCallersWord()
    {
        int[][] free = new Generator(model).Generate(Prompts, new GenerationOptions { MaxTokens = 12 });
        int stop = free[0][4];
        var stopped = new GenerationOptions { MaxTokens = 12, StopIds = [stop] };
        int[][] expected = [.. free.Select(row => row.TakeWhile(id => id != stop).ToArray())];
        Assert.Equal(expected, new Generator(model).Generate(Prompts, stopped));

        // Rows end at different steps, so that the batch shrinks on the way.
        var counts = new int[Prompts.Length];
        var asked = new GenerationOptions { MaxTokens = 12, EndsRow = (row, _) => ++counts[row] == (2 * row) + 1 };
        int[][] byWord = [.. free.Select((row, index) => row[..((2 * index) + 1)])];
        Assert.Equal(byWord, new Generator(model).Generate(Prompts, asked));
    }

    [Fact]
    public void TokensAreHandedOutAsTheyCome()
    {
        var heard = Prompts.Select(_ => new List<int>()).ToArray();
        int[][] result = new Generator(model).Generate(Prompts, new GenerationOptions { MaxTokens = 6 }, onToken: (row, id) => heard[row].Add(id));
        Assert.Equal(result, heard.Select(row => row.ToArray()));
    }

    [Fact]
    public void CancellationEndsBetweenTokens()
    {
        using var source = new CancellationTokenSource();
        int heard = 0;
        void Cancel(int row, int id)
        {
            heard++;
            source.Cancel();
        }

        Assert.Throws<OperationCanceledException>(() => new Generator(model).Generate([Prompts[0]], new GenerationOptions { MaxTokens = 50 }, source.Token, Cancel));
        Assert.Equal(1, heard);
    }

    [Fact]
    public void BadPromptsAndOptionsAreNamed()
    {
        var generator = new Generator(model);
        var options = new GenerationOptions { MaxTokens = 4 };
        Assert.Contains("empty", Assert.Throws<HaloException>(() => generator.Generate([[1], []], options)).Message);
        Assert.Contains("151", Assert.Throws<HaloException>(() => generator.Generate([[151]], options)).Message);
        Assert.Contains("-1", Assert.Throws<HaloException>(() => generator.Generate([[-1]], options)).Message);
        Assert.Contains("exceed", Assert.Throws<HaloException>(() => generator.Generate([[1, 2, 3]], options with { MaximumLength = 6 })).Message);
        Assert.Throws<HaloException>(() => generator.Generate([[1]], options with { MaxTokens = 0 }));
        Assert.Throws<HaloException>(() => generator.Generate([[1]], options with { Temperature = -1 }));
        Assert.Throws<HaloException>(() => generator.Generate([[1]], options with { TopP = 0 }));
        Assert.Empty(generator.Generate([], options));
    }
}
