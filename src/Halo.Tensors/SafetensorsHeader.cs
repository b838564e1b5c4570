using System.Buffers.Binary;
using System.Text.Json;
using Halo.Core;

namespace Halo.Tensors;

/// <summary>Reads and checks the header of a safetensors file: 8 bytes of length, then JSON. Nothing in it is trusted.</summary>
internal static class SafetensorsHeader
{
    private const long LongestHeader = 100_000_000;

    public static (Dictionary<string, TensorEntry> Entries, Dictionary<string, string> Metadata) Read(Stream file, string path)
    {
        Span<byte> prefix = stackalloc byte[8];
        long size = file.Length;
        if (size < 8)
        {
            throw Error("the file is shorter than a safetensors header", path);
        }

        file.ReadExactly(prefix);
        ulong declared = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (declared > LongestHeader || (long)declared > size - 8)
        {
            throw Error($"the header claims {declared} bytes in a file of {size}", path);
        }

        byte[] header = new byte[declared];
        file.ReadExactly(header);
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Error("the header is no JSON object", path);
            }

            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__")
                {
                    AddTexts(property.Value, metadata);
                }
                else if (!entries.TryAdd(property.Name, Entry(property, 8 + (long)declared, size, path)))
                {
                    throw Error($"the tensor '{property.Name}' stands twice in the header", path);
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Error($"the header is broken ({error.Message.TrimEnd('.')})", path);
        }

        RefuseOverlaps(entries.Values, path);
        return (entries, metadata);
    }

    // Texts alone are allowed there; whatever else a file holds is nobody's business.
    private static void AddTexts(JsonElement value, Dictionary<string, string> metadata)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty text in value.EnumerateObject().Where(text => text.Value.ValueKind == JsonValueKind.String))
            {
                metadata[text.Name] = text.Value.GetString()!;
            }
        }
    }

    private static TensorEntry Entry(JsonProperty property, long dataStart, long fileSize, string path)
    {
        JsonElement value = property.Value;
        string name = property.Name;
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out JsonElement typeName) || typeName.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out JsonElement shapeArray) || shapeArray.ValueKind != JsonValueKind.Array
            || !value.TryGetProperty("data_offsets", out JsonElement offsets) || offsets.ValueKind != JsonValueKind.Array || offsets.GetArrayLength() != 2)
        {
            throw Error($"the tensor '{name}' lacks dtype, shape or data_offsets", path);
        }

        var type = SafetensorsTypes.Parse(typeName.GetString()!) ?? throw Error($"the tensor '{name}' has the unknown dtype '{typeName.GetString()}'", path);
        long[] shape = [.. shapeArray.EnumerateArray().Select(size => size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out long read) && read >= 0 ? read : throw Error($"the tensor '{name}' has a size that is no whole number", path))];
        long bytes = type.Size;
        try
        {
            foreach (long size in shape)
            {
                bytes = checked(bytes * size);
            }
        }
        catch (OverflowException)
        {
            throw Error($"the tensor '{name}' has an impossible shape", path);
        }

        if (shape.Length > 16 || !offsets[0].TryGetInt64(out long begin) || !offsets[1].TryGetInt64(out long end) || begin < 0 || end < begin || end > fileSize - dataStart)
        {
            throw Error($"the tensor '{name}' lies outside the file (is it truncated?)", path);
        }

        if (end - begin != bytes)
        {
            throw Error($"the tensor '{name}' has {end - begin} bytes, its shape and type need {bytes}", path);
        }

        return new TensorEntry(name, type.Type, shape, dataStart + begin, bytes);
    }

    private static void RefuseOverlaps(IEnumerable<TensorEntry> entries, string path)
    {
        long reached = 0;
        foreach (TensorEntry entry in entries.Where(entry => entry.Bytes > 0).OrderBy(entry => entry.Offset))
        {
            if (entry.Offset < reached)
            {
                throw Error($"the tensor '{entry.Name}' overlaps another", path);
            }

            reached = entry.Offset + entry.Bytes;
        }
    }

    private static HaloException Error(string what, string path) => new(what, path, "get the file again; it is no valid safetensors file");
}
