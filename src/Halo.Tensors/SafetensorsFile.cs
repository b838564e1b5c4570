using System.IO.MemoryMappedFiles;
using Halo.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>A safetensors file, read through a memory map: opening costs the header only.</summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;

    private SafetensorsFile(string path, Dictionary<string, TensorEntry> entries, Dictionary<string, string> metadata, MemoryMappedFile? map)
    {
        Path = path;
        Metadata = metadata;
        Entries = entries;
        _map = map;
        _view = map?.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Texts of the header's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="HaloException">The file is missing, truncated or no valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            (Dictionary<string, TensorEntry> entries, Dictionary<string, string> metadata) = SafetensorsHeader.Read(file, path);
            MemoryMappedFile? map = entries.Values.Any(entry => entry.Bytes > 0)
                ? MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read)
                : null;
            return new SafetensorsFile(path, entries, metadata, map);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HaloException("the file is missing", path, "check the path", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check its permissions", error);
        }
    }

    /// <summary>Copies a tensor out of the file, in its own type and on the CPU unless told otherwise.</summary>
    /// <exception cref="HaloException">There is no such tensor.</exception>
    public unsafe Tensor Read(string name, ScalarType? type = null, Device? device = null)
    {
        if (!Entries.TryGetValue(name, out TensorEntry? entry))
        {
            throw new HaloException($"the tensor '{name}' is missing", Path, "use a file that has it");
        }

        Tensor tensor = empty([.. entry.Shape], entry.Type, CPU);
        if (entry.Bytes > 0)
        {
            byte* start = null;
            _view!.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            try
            {
                Buffer.MemoryCopy(start + _view.PointerOffset + entry.Offset, (void*)TensorMemory.Address(tensor), entry.Bytes, entry.Bytes);
            }
            finally
            {
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }

        if ((type is null || type == entry.Type) && (device is null || device.type == DeviceType.CPU))
        {
            return tensor;
        }

        using (tensor)
        {
            return tensor.to(type ?? entry.Type, device ?? CPU);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view?.Dispose();
        _map?.Dispose();
    }
}
