using System.IO.MemoryMappedFiles;
using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>A GGUF file (llama.cpp), read through a memory map: opening costs the header only. Quantised tensors are unpacked to float32 when they are read.</summary>
internal sealed class GgufFile : IDisposable
{
    private const int BlocksAtOnce = 4096;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;

    private GgufFile(string path, Dictionary<string, object> values, Dictionary<string, GgufEntry> entries)
    {
        (Path, Values, Entries) = (path, values, entries);
        _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Key-value pairs: long, double, bool, string, string[] or double[].</summary>
    public IReadOnlyDictionary<string, object> Values { get; }

    /// <summary>Its tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufEntry> Entries { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="HaloException">The file is missing, truncated or no valid GGUF file.</exception>
    public static GgufFile Open(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            (Dictionary<string, object> values, Dictionary<string, GgufEntry> entries) = GgufHeader.Read(file, path);
            return new GgufFile(path, values, entries);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check the path and its permissions", error);
        }
    }

    /// <summary>The type in which <see cref="Read"/> gives a tensor: its own where that is plain, float32 where it is quantised.</summary>
    public ScalarType TypeOf(string name) => Entries[name].Type.Name switch { "f16" => ScalarType.Float16, "bf16" => ScalarType.BFloat16, _ => ScalarType.Float32 };

    /// <summary>Copies a tensor out of the file, on the CPU.</summary>
    public unsafe Tensor Read(string name)
    {
        GgufEntry entry = Entries[name];
        Tensor tensor = empty([.. entry.Shape], TypeOf(name), CPU);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            byte* source = start + _view.PointerOffset + entry.Offset;
            var target = (byte*)TensorMemory.Address(tensor);
            if (entry.Type.Unpack is not { } unpack)
            {
                Buffer.MemoryCopy(source, target, entry.Bytes, entry.Bytes);
                return tensor;
            }

            long blocks = entry.Bytes / entry.Type.BlockBytes;
            Parallel.For(0, (blocks + BlocksAtOnce - 1) / BlocksAtOnce, part =>
            {
                for (long block = part * BlocksAtOnce; block < Math.Min(blocks, (part + 1) * BlocksAtOnce); block++)
                {
                    unpack(
                        new ReadOnlySpan<byte>(source + (block * entry.Type.BlockBytes), entry.Type.BlockBytes),
                        new Span<float>((float*)target + (block * entry.Type.BlockValues), entry.Type.BlockValues));
                }
            });
            return tensor;
        }
        finally
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
