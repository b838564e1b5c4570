using System.Text;
using Halo.Core;

namespace Halo.Tensors;

/// <summary>Reads the header of a GGUF file (versions 2 and 3, little endian): key-value pairs and tensor entries. No length in it is believed that the file cannot hold.</summary>
internal sealed class GgufHeader
{
    private const uint Magic = 0x46554747;
    private const string Remedy = "get the file again; it is no valid GGUF file";
    private const int MostValues = 1 << 24;
    private readonly BinaryReader _reader;
    private readonly string _path;
    private readonly long _size;

    private GgufHeader(Stream stream, string path)
    {
        _reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        (_path, _size) = (path, stream.Length);
    }

    private long Left => _size - _reader.BaseStream.Position;

    /// <summary>Reads the header; values are long, double, bool, string, string[] or double[].</summary>
    public static (Dictionary<string, object> Values, Dictionary<string, GgufEntry> Tensors) Read(Stream stream, string path)
    {
        var header = new GgufHeader(stream, path);
        try
        {
            return header.Read();
        }
        catch (EndOfStreamException error)
        {
            throw new HaloException("the header ends in the middle (is the file truncated?)", path, Remedy, error);
        }
    }

    private (Dictionary<string, object> Values, Dictionary<string, GgufEntry> Tensors) Read()
    {
        if (_size < 24 || _reader.ReadUInt32() != Magic)
        {
            throw Error("the file does not begin as a GGUF file");
        }

        uint version = _reader.ReadUInt32();
        if (version is not (2 or 3))
        {
            throw Error($"GGUF version {version} is not supported (a big-endian file?)");
        }

        long tensors = Count(32), pairs = Count(13);
        var values = new Dictionary<string, object>();
        for (long i = 0; i < pairs; i++)
        {
            string key = Text();
            if (!values.TryAdd(key, Value(_reader.ReadUInt32())))
            {
                throw Error($"the key '{key}' stands twice");
            }
        }

        var entries = new List<(string Name, GgufType Type, long[] Shape, ulong Offset)>();
        for (long i = 0; i < tensors; i++)
        {
            entries.Add(Entry());
        }

        long alignment = values.GetValueOrDefault("general.alignment") is long stated and > 0 and <= 1 << 20 ? stated : 32;
        long start = (_reader.BaseStream.Position + alignment - 1) / alignment * alignment;
        return (values, Place(entries, start));
    }

    private Dictionary<string, GgufEntry> Place(List<(string Name, GgufType Type, long[] Shape, ulong Offset)> entries, long start)
    {
        var placed = new Dictionary<string, GgufEntry>();
        foreach ((string name, GgufType type, long[] shape, ulong offset) in entries)
        {
            UInt128 count = shape.Aggregate((UInt128)1, (product, size) => product > (UInt128)long.MaxValue ? product : product * (UInt128)size);
            UInt128 bytes = count / (uint)type.BlockValues * (uint)type.BlockBytes;
            if (shape[^1] % type.BlockValues != 0 || (UInt128)start + offset + bytes > (UInt128)_size)
            {
                throw Error($"the tensor '{name}' lies outside the file or is no whole number of blocks (is it truncated?)");
            }

            if (!placed.TryAdd(name, new GgufEntry(type, shape, start + (long)offset, (long)bytes)))
            {
                throw Error($"the tensor '{name}' stands twice");
            }
        }

        // A file whose tensors share bytes would become a folder many times its size.
        long end = 0;
        foreach ((string name, GgufEntry entry) in placed.OrderBy(one => one.Value.Offset))
        {
            end = entry.Offset >= end ? entry.Offset + entry.Bytes : throw Error($"the tensor '{name}' overlaps another");
        }

        return placed;
    }

    private (string Name, GgufType Type, long[] Shape, ulong Offset) Entry()
    {
        string name = Text();
        uint dimensions = _reader.ReadUInt32();
        if (dimensions is 0 or > 4)
        {
            throw Error($"the tensor '{name}' has {dimensions} dimensions");
        }

        var shape = new long[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            ulong size = _reader.ReadUInt64();
            shape[i] = size is > 0 and < 1UL << 40 ? (long)size : throw Error($"the tensor '{name}' has a dimension of {size}");
        }

        return (name, GgufType.Of(_reader.ReadUInt32(), $"{_path}: {name}"), shape, _reader.ReadUInt64());
    }

    private object Value(uint type) => type switch
    {
        8 => Text(),
        9 => List(),
        7 => _reader.ReadByte() != 0,
        6 or 12 => Number(type),
        _ => (long)Number(type),
    };

    private double Number(uint type) => type switch
    {
        0 or 7 => _reader.ReadByte(),
        1 => _reader.ReadSByte(),
        2 => _reader.ReadUInt16(),
        3 => _reader.ReadInt16(),
        4 => _reader.ReadUInt32(),
        5 => _reader.ReadInt32(),
        6 => _reader.ReadSingle(),
        10 => _reader.ReadUInt64(),
        11 => _reader.ReadInt64(),
        12 => _reader.ReadDouble(),
        _ => throw Error($"a value has the unknown type {type}"),
    };

    private object List()
    {
        uint type = _reader.ReadUInt32();
        long count = Count(type == 8 ? 8 : 1);
        if (count > MostValues)
        {
            throw Error($"a list has {count:N0} entries");
        }

        if (type == 8)
        {
            var texts = new List<string>();
            for (long i = 0; i < count; i++)
            {
                texts.Add(Text());
            }

            return texts.ToArray();
        }

        var numbers = new List<double>();
        for (long i = 0; i < count; i++)
        {
            numbers.Add(Number(type));
        }

        return numbers.ToArray();
    }

    private string Text()
    {
        byte[] bytes = _reader.ReadBytes((int)Math.Min(Count(1), int.MaxValue));
        return Encoding.UTF8.GetString(bytes);
    }

    // A count of things of at least so many bytes.
    private long Count(int leastBytes)
    {
        ulong count = _reader.ReadUInt64();
        return count <= (ulong)(Left / leastBytes) ? (long)count : throw Error("a length in the header is larger than the file");
    }

    private HaloException Error(string what) => new(what, _path, Remedy);
}
