using System.Text.Json;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Text.Tests;

public sealed class DataSpecificationTests
{
    [Theory]
    [InlineData("""{"sources": 3}""")]
    [InlineData("""{"sources": null}""")]
    [InlineData("""{"sources": {"weight": 1}}""")]
    [InlineData("""{"sources": [{"weight": "much"}]}""")]
    [InlineData("""{"sources": [{"weight": null}]}""")]
    [InlineData("""{"sources": [{"path": 3}]}""")]
    [InlineData("""{"sources": [3]}""")]
    [InlineData("""{"held_out": [0.1]}""")]
    [InlineData("""{"seed": 0.5}""")]
    [InlineData("""{"normalize_newlines": "yes"}""")]
    public void ValuesOfAnotherTypeDoNotBecomeData(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<DataSpecification>(json, HaloJson.Indented));

    [Theory]
    [InlineData("""{"sources": []}""")]
    [InlineData("""{"sources": [null]}""")]
    [InlineData("""{"sources": [{"weight": 0}]}""")]
    [InlineData("""{"sources": [{"weight": -1}]}""")]
    [InlineData("""{"sources": [{"weight": "NaN"}]}""")]
    [InlineData("""{"sources": [{"weight": "Infinity"}]}""")]
    [InlineData("""{"held_out": 0.6}""")]
    [InlineData("""{"held_out": "NaN"}""")]
    public void ImpossibleValuesAreNamed(string json)
    {
        DataSpecification data = JsonSerializer.Deserialize<DataSpecification>(json, HaloJson.Indented)!;
        Assert.StartsWith("data.", Assert.Throws<HaloException>(() => data.Validate("data")).Where);
    }
}
