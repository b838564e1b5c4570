using Halo.Conversion.Recipes;
using Halo.Conversion.Selection;
using Halo.Core;
using Halo.Testing;

namespace Halo.Conversion.Tests;

public class SelectionTests
{
    private static readonly LayerScores Published = LayerScores.Load(Golden.Path("layer-sweep/qwen3-1.7b.json"));

    [Theory]
    [InlineData(1e-6)]
    [InlineData(1e-10)]
    public void HaloChoosesThePublishedLayers(double epsilon)
    {
        SelectionResult result = SelectionMethods.Choose(new SelectionSpecification { Epsilon = epsilon }, Published.Count, Published);
        Assert.Equal([2, 3, 6, 8, 9, 21, 25], result.Layers);
        Assert.Equal(28, result.Scores.Count);
    }

    [Fact]
    public void JetNemotronRanksByTheFallOfRecall()
    {
        SelectionResult result = SelectionMethods.Choose(new SelectionSpecification { Method = "jet-nemotron", Top = 3 }, Published.Count, Published);
        Assert.Equal(Published.Layers.OrderBy(layer => layer.Value.Recall).Take(3).Select(layer => layer.Key).Order(), result.Layers);
    }

    [Fact]
    public void TiesGoToTheLowerLayerAndConstraintsHold()
    {
        var scores = new LayerScores(null, new() { [0] = new(0.5, 0.5, 1), [1] = new(0.5, 0.5, 2), [2] = new(0.5, 0.5, 2), [3] = new(0.5, 0.5, 2) });
        Assert.Equal([1, 2], SelectionMethods.Choose(new SelectionSpecification { Method = "kl", Top = 2 }, 4, scores).Layers);
        Assert.Equal([0, 1, 3], SelectionMethods.Choose(new SelectionSpecification { Method = "kl", Top = 3, KeepFirstAndLast = true }, 4, scores).Layers);
        Assert.Equal([2, 6, 10], SelectionMethods.Choose(new SelectionSpecification { Method = "even" }, 12, null).Layers);
        Assert.Equal([1, 5], SelectionMethods.Choose(new SelectionSpecification { Method = "list", Layers = [5, 1] }, 12, null).Layers);
    }

    [Fact]
    public void ImpossibleChoicesAreClearErrors()
    {
        Assert.Throws<HaloException>(() => SelectionMethods.Choose(new SelectionSpecification { Method = "kl" }, Published.Count, Published));
        Assert.Throws<HaloException>(() => SelectionMethods.Choose(new SelectionSpecification { Method = "best" }, 4, null));
        Assert.Throws<HaloException>(() => SelectionMethods.Choose(new SelectionSpecification { Method = "list", Layers = [9] }, 4, null));
        Assert.Throws<HaloException>(() => SelectionMethods.Choose(new SelectionSpecification { Method = "even", Top = 5 }, 4, null));
    }

    [Fact]
    public void ScoresSurviveTheirFile()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, Published.ToJson().ToJsonString());
        LayerScores again = LayerScores.Load(path);
        Assert.Equal(Published.Layers.Values.Select(score => score.Recall), again.Layers.Values.Select(score => score.Recall));
        File.Delete(path);
    }
}
