using Halo.Testing;

namespace Halo.Models.Tests;

/// <summary>The configurations of bench/shapes are those of the published models.</summary>
public sealed class ShapeTests
{
    [Theory]
    [InlineData("hypenet-2b", 1_926_138_880, 7)]
    [InlineData("qwen3-1.7b", 1_720_574_976, 28)]
    [InlineData("qwen3-0.6b", 596_049_920, 28)]
    public void Parameters_are_as_many(string name, long parameters, int attention)
    {
        ModelConfiguration configuration = ModelConfiguration.Load(Path.GetFullPath(Path.Combine(Golden.Folder, "..", "..", "bench", "shapes", name)));
        Assert.Equal(parameters, CausalLm.ParameterCount(configuration));
        Assert.Equal(attention, configuration.AttentionLayers.Count());
    }
}
