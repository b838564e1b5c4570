using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;

namespace Halo.Conversion.Tests;

/// <summary>Recipes: all that ship are valid; what is wrong is told by key.</summary>
public class RecipeReaderTests
{
    public static TheoryData<string> Shipped => [.. Directory.EnumerateFiles(Path.Combine(Toy.Repository, "recipes"), "*.json").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Shipped))]
    public void EveryShippedRecipeIsValid(string name)
    {
        Recipe recipe = RecipeReader.Load(Path.Combine(Toy.Repository, "recipes", name), []);
        Assert.Equal(Path.GetFileNameWithoutExtension(name), recipe.Name);
        Assert.True(recipe.Pretrain is not null || recipe.Stage2 is not null);
    }

    [Fact]
    public void OverridesReachNestedKeysAndKeepTheRest()
    {
        Recipe recipe = Toy.Read("stage2.steps=100", "selection.method=even", "stage3.recompute=true");
        Assert.Equal(100, recipe.Stage2!.Training.Steps);
        Assert.Equal(32, recipe.Stage2.Training.RowLength);
        Assert.Equal("even", recipe.Selection.Method);
        Assert.True(recipe.Stage3!.Training.Recompute);
        Assert.Equal(100, recipe.Json["stage2"]!["steps"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("stage2.stepps=3", "did you mean 'steps'")]
    [InlineData("json={}", "'json' is unknown")]
    [InlineData("stage2=[]", "stage2 is no object")]
    [InlineData("stage2.steps=many", "steps")]
    [InlineData("stage2.steps=-1", "stage2.steps")]
    [InlineData("stage2.sources={}", "sources")]
    [InlineData("stage2.sources=[1]", "sources")]
    [InlineData("stage2.sources=[null]", "sources")]
    [InlineData("stage2.sources=[]", "stage2.sources")]
    [InlineData("stage2.sources=[{\"weight\":0}]", "stage2.sources")]
    [InlineData("stage2.cross_entropy_weight=much", "cross_entropy_weight")]
    [InlineData("stage2.cross_entropy_weight=-1", "cross_entropy_weight")]
    [InlineData("model=7", "model is no object")]
    [InlineData("data=7", "data")]
    [InlineData("data.held_out=0.9", "held_out")]
    [InlineData("phases=[{\"sources\":[{}]}]", "pretrain")]
    [InlineData("scale.smallest=1.001", "scale")]
    [InlineData("selection.method=best", "selection.method")]
    [InlineData("evaluation.tasks=[\"trivia\"]", "trivia")]
    [InlineData("evaluation.lengths=[0]", "evaluation")]
    [InlineData("evaluation.teacher_yarn=[0.5]", "evaluation")]
    [InlineData("phases=[null]", "phase")]
    [InlineData("evaluation.tasks=[null]", "evaluation.tasks")]
    [InlineData("export.dtype=int3", "int3")]
    [InlineData("no-equals-sign", "--set")]
    public void WhatIsWrongIsToldByKey(string change, string told) => Assert.Contains(told, Assert.Throws<HaloException>(() => Toy.Read(change)).Message);

    [Theory]
    [InlineData("""[{"until_step":5,"sources":[{}]},{"until_step":4,"sources":[{}]}]""")]
    [InlineData("""[{"sources":[{}]},{"until_step":4,"sources":[{}]}]""")]
    [InlineData("""[{"until_step":4,"sources":[{}]}]""")]
    [InlineData("""[{"sources":[]}]""")]
    public void PhasesFollowEachOtherToTheEnd(string phases)
    {
        JsonObject json = JsonNode.Parse("""{"name":"p","pretrain":{"steps":10,"warmup_steps":1}}""")!.AsObject();
        json["phases"] = JsonNode.Parse(phases);
        Assert.Contains("phase", Assert.Throws<HaloException>(() => RecipeReader.Parse(json, "here")).Message);
    }

    [Fact]
    public void AMissingOrBrokenFileIsNamed()
    {
        using var toy = new Toy();
        string path = Path.Combine(toy.Root, "broken.json");
        Assert.Contains(path, Assert.Throws<HaloException>(() => RecipeReader.Load(path, [])).Message);
        File.WriteAllText(path, "{ \"name\": ");
        Assert.Contains(path, Assert.Throws<HaloException>(() => RecipeReader.Load(path, [])).Message);
    }
}
