using CsCheck;
using Halo.Core;
using TorchSharp;

namespace Halo.Importing.Tests;

/// <summary>Damaged files are refused with one error and leave nothing, or are still models; none makes Halo ask for much memory. HALO_TEST_FUZZ multiplies their number.</summary>
public sealed class HostileFileTests : IDisposable
{
    private const long MostBytes = 64 << 20;
    private static readonly int Tries = 200 * (int.TryParse(Environment.GetEnvironmentVariable("HALO_TEST_FUZZ"), out int factor) ? factor : 1);
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-hostile-").FullName;
    private int _count;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen2")]
    public void DamagedGgufFiles(string architecture)
    {
        byte[] whole = TinyModel.Gguf(architecture);
        int header = whole.Length - (TinyModel.Pieces.Length * TinyModel.Width * sizeof(float));
        Damages(header).Sample(changes => { Check("model.gguf", Damaged(whole, changes)); }, iter: Tries, threads: 1);
    }

    [Fact]
    public void DamagedLlama2cFiles()
    {
        File.WriteAllBytes(Path.Combine(_folder, "tokenizer.bin"), TinyModel.Llama2cTokenizer());
        byte[] whole = TinyModel.Llama2c();
        Damages(28).Sample(changes => { Check("model.bin", Damaged(whole, changes)); }, iter: Tries, threads: 1);
    }

    [Fact]
    public void DamagedLlama2cTokenizers()
    {
        byte[] whole = TinyModel.Llama2cTokenizer();
        File.WriteAllBytes(Path.Combine(_folder, "model.bin"), TinyModel.Llama2c());
        Damages(whole.Length).Sample(changes => { Check("tokenizer.bin", Damaged(whole, changes), "model.bin"); }, iter: Tries, threads: 1);
    }

    [Fact]
    public void FilesCutAnywhere()
    {
        File.WriteAllBytes(Path.Combine(_folder, "tokenizer.bin"), TinyModel.Llama2cTokenizer());
        (byte[] gguf, byte[] llama2c) = (TinyModel.Gguf("qwen3"), TinyModel.Llama2c());
        for (int i = 0; i < 200; i++)
        {
            Assert.True(Check("cut.gguf", gguf[..(gguf.Length * i / 200)]));
            Assert.True(Check("cut.bin", llama2c[..(llama2c.Length * i / 200)]));
        }
    }

    private static Gen<(int At, int Kind, uint Value)[]> Damages(int size) => Gen.Select(Gen.Int[0, size - 1], Gen.Int[0, 4], Gen.OneOf(Gen.UInt, Gen.UInt[0, 64], Gen.OneOf(Gen.Const(uint.MaxValue), Gen.Const(0x7FFFFFFFu), Gen.Const(0x80000000u), Gen.Const(0x7FC00000u)))).Array[1, 3];

    private static byte[] Damaged(byte[] whole, (int At, int Kind, uint Value)[] changes)
    {
        var bytes = whole.ToList();
        foreach ((int at, int kind, uint value) in changes)
        {
            int place = Math.Min(at, bytes.Count - 1);
            switch (kind)
            {
                case 0:
                    bytes[place] = (byte)value;
                    break;
                case 1:
                    for (int i = 0; i < 4 && place + i < bytes.Count; i++)
                    {
                        bytes[place + i] = (byte)(value >> (8 * i));
                    }

                    break;
                case 2:
                    bytes[place] ^= (byte)(1 << (int)(value % 8));
                    break;
                case 3:
                    bytes.InsertRange(place, new byte[value % 64]);
                    break;
                default:
                    bytes.RemoveRange(place, Math.Min(bytes.Count - place - 1, (int)(value % 64)));
                    break;
            }
        }

        return [.. bytes];
    }

    // Whether it was refused.
    private bool Check(string name, byte[] content, string? model = null)
    {
        File.WriteAllBytes(Path.Combine(_folder, name), content);
        string target = Path.Combine(_folder, $"out{_count++}");
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            ModelImport.Run(Path.Combine(_folder, model ?? name), target, torch.ScalarType.BFloat16);
            Directory.Delete(target, true);
            return false;
        }
        catch (HaloException error)
        {
            Assert.NotNull(error.Where);
            Assert.False(Directory.Exists(target));
            return true;
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
        }
    }
}
