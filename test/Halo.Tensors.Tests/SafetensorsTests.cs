using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Halo.Core;
using static TorchSharp.torch;

namespace Halo.Tensors.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-safetensors-").FullName;

    public SafetensorsTests() => LibTorch.Initialize();

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void EveryTypeComesBackAsItWas()
    {
        using var scope = NewDisposeScope();
        ScalarType[] types = [ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool];
        var tensors = types.Select(type => ($"t.{type}", (randn(3, 5) * 50).abs().to(type))).Append(("scalar", tensor(2.5f))).Append(("none", empty(0, 4))).ToList();
        string path = Path.Combine(_folder, "all.safetensors");
        SafetensorsWriter.Write(path, tensors);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(tensors.Count, file.Entries.Count);
        foreach ((string name, Tensor expected) in tensors)
        {
            Tensor actual = file.Read(name);
            Assert.Equal(expected.dtype, actual.dtype);
            Assert.Equal(expected.shape, actual.shape);
            Assert.True(expected.equal(actual).all().item<bool>());
        }
    }

    [Fact]
    public void ShardsComeBackThroughTheIndexAndStaleOnesGo()
    {
        using var scope = NewDisposeScope();
        var tensors = Enumerable.Range(0, 5).Select(i => ($"w{i}", randn(10, 10))).ToList();
        SafetensorsWriter.WriteSharded(_folder, tensors, 500);
        Assert.Equal(5, Directory.GetFiles(_folder, "model-*.safetensors").Length);
        using (WeightFolder weights = WeightFolder.Open(_folder))
        {
            Assert.All(tensors, item => Assert.True(item.Item2.equal(weights.Read(item.Item1)).all().item<bool>()));
        }

        SafetensorsWriter.WriteSharded(_folder, tensors, 1 << 20);
        Assert.Equal(["model.safetensors"], Directory.GetFiles(_folder).Select(Path.GetFileName));
        File.Delete(Path.Combine(_folder, "model.safetensors"));
        Assert.Throws<HaloException>(() => WeightFolder.Open(_folder));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""")]
    [InlineData("""{"a":{"dtype":"F9","shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""")]
    [InlineData("""[]""")]
    [InlineData("""{"a":3}""")]
    [InlineData("""{"a":""")]
    public void HostileHeadersAreRefused(string header)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] bytes = new byte[8 + json.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        string path = Path.Combine(_folder, "hostile.safetensors");
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<HaloException>(() => SafetensorsFile.Open(path).Dispose());
        Assert.Equal(path, error.Where);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 40)]
    [InlineData(200UL)]
    public void AHeaderLongerThanTheFileIsRefused(ulong length)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        string path = Path.Combine(_folder, "long.safetensors");
        File.WriteAllBytes(path, bytes);
        Assert.Throws<HaloException>(() => SafetensorsFile.Open(path).Dispose());
    }

    [Fact]
    public void DamagedFilesGiveNothingButClearErrors()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "good.safetensors");
        SafetensorsWriter.Write(path, [("a", randn(4, 4)), ("b", ones(3, int64))]);
        byte[] good = File.ReadAllBytes(path);
        string damaged = Path.Combine(_folder, "damaged.safetensors");
        Gen.Select(Gen.Int[0, 200], Gen.Byte, Gen.Int[0, good.Length]).Sample(
            (position, value, length) =>
            {
                byte[] bytes = good[..];
                bytes[position % bytes.Length] = value;
                File.WriteAllBytes(damaged, bytes[..length]);
                try
                {
                    using SafetensorsFile file = SafetensorsFile.Open(damaged);
                    foreach (string name in file.Entries.Keys)
                    {
                        file.Read(name).Dispose();
                    }
                }
                catch (HaloException)
                {
                    // The only error there may be.
                }
            },
            iter: 2000,
            threads: 1);
    }
}
