using Halo.Tensors;
using Halo.Testing;
using static TorchSharp.torch;

namespace Halo.Importing.Tests;

public sealed class GgufBlocksTests
{
    [Fact]
    public void EveryTypeUnpacksToTheReference()
    {
        using var scope = NewDisposeScope();
        using GgufFile file = GgufFile.Open(Golden.Path("gguf/blocks.gguf"));
        using SafetensorsFile expected = SafetensorsFile.Open(Golden.Path("gguf/blocks.safetensors"));
        Assert.Equal(expected.Entries.Keys.Order(), file.Entries.Keys.Order());
        string[] quantised = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"];
        Assert.Empty(quantised.Except(file.Entries.Values.Select(entry => entry.Type.Name)));
        foreach (string name in file.Entries.Keys)
        {
            Tensor actual = file.Read(name), reference = expected.Read(name);
            Assert.Equal(file.TypeOf(name), actual.dtype);
            Assert.Equal(reference.shape, actual.shape);
            Assert.True(reference.to(ScalarType.Float32).equal(actual.to(ScalarType.Float32)).all().item<bool>(), name);
        }
    }
}
