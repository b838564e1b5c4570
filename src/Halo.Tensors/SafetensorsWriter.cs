using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Halo.Core;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>Writes safetensors files, single or in shards with an index, each as a whole or not at all.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes tensors to one file, in the given order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and tensors, on any device.</param>
    /// <param name="metadata">Texts for <c>__metadata__</c>; "format": "pt" is always there.</param>
    /// <exception cref="HaloException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(path, [.. tensors.Select(item => TensorSource.Of(item.Name, item.Tensor))], metadata);

    /// <summary>
    /// Writes a model's weights into a folder: <c>model.safetensors</c> when they fit one shard, else
    /// <c>model-0000k-of-0000n.safetensors</c> with <c>model.safetensors.index.json</c>. Files of an earlier export are removed at the end.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tensors">Names and tensors.</param>
    /// <param name="maximumShardBytes">Bytes of tensors a shard holds at most (a larger tensor gets a shard of its own).</param>
    public static void WriteSharded(string folder, IReadOnlyList<(string Name, Tensor Tensor)> tensors, long maximumShardBytes) =>
        WriteSharded(folder, [.. tensors.Select(item => TensorSource.Of(item.Name, item.Tensor))], maximumShardBytes);

    /// <summary>As above, each tensor made when its turn comes.</summary>
    internal static void WriteSharded(string folder, IReadOnlyList<TensorSource> tensors, long maximumShardBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumShardBytes, 1);
        Directory.CreateDirectory(folder);
        List<List<TensorSource>> shards = Split(tensors, maximumShardBytes);
        var written = new HashSet<string>();
        if (shards.Count == 1)
        {
            Write(Path.Combine(folder, WeightFolder.SingleFile), shards[0], null);
            written.Add(WeightFolder.SingleFile);
            File.Delete(Path.Combine(folder, WeightFolder.IndexFile));
        }
        else
        {
            var map = new JsonObject();
            for (int i = 0; i < shards.Count; i++)
            {
                string name = $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
                Write(Path.Combine(folder, name), shards[i], null);
                written.Add(name);
                foreach (TensorSource tensor in shards[i])
                {
                    map[tensor.Name] = name;
                }
            }

            var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = tensors.Sum(tensor => tensor.Bytes) }, ["weight_map"] = map };
            AtomicFile.WriteAllText(Path.Combine(folder, WeightFolder.IndexFile), index.ToJsonString(HaloJson.Indented));
        }

        foreach (string stale in Directory.EnumerateFiles(folder, "model*.safetensors").Where(file => !written.Contains(Path.GetFileName(file))))
        {
            File.Delete(stale);
        }
    }

    private static void Write(string path, IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata) =>
        AtomicFile.Write(path, stream =>
        {
            WriteHeader(stream, tensors, metadata);
            foreach (TensorSource source in tensors)
            {
                using Tensor tensor = source.Read();
                WriteData(stream, tensor);
            }
        });

    private static List<List<TensorSource>> Split(IReadOnlyList<TensorSource> tensors, long maximum)
    {
        var shards = new List<List<TensorSource>> { new() };
        long size = 0;
        foreach (TensorSource tensor in tensors)
        {
            if (size > 0 && size + tensor.Bytes > maximum)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(tensor);
            size += tensor.Bytes;
        }

        return shards;
    }

    private static void WriteHeader(Stream stream, IReadOnlyList<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var texts = new JsonObject { ["format"] = "pt" };
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>())
        {
            texts[key] = value;
        }

        var header = new JsonObject { ["__metadata__"] = texts };
        long offset = 0;
        foreach (TensorSource tensor in tensors)
        {
            long end = offset + tensor.Bytes;
            header.Add(tensor.Name, new JsonObject
            {
                ["dtype"] = SafetensorsTypes.Of(tensor.Type).Name,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, end),
            });
            offset = end;
        }

        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString(HaloJson.Line));
        int padded = (json.Length + Alignment - 1) / Alignment * Alignment;
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded);
        stream.Write(length);
        stream.Write(json);
        for (int i = json.Length; i < padded; i++)
        {
            stream.WriteByte((byte)' ');
        }
    }

    private static unsafe void WriteData(Stream stream, Tensor tensor)
    {
        using Tensor host = tensor.detach().cpu().contiguous();
        long left = host.numel() * SafetensorsTypes.Of(host.dtype).Size;
        if (left == 0)
        {
            return;
        }

        var next = (byte*)TensorMemory.Address(host);
        while (left > 0)
        {
            int count = (int)Math.Min(left, 1 << 26);
            stream.Write(new ReadOnlySpan<byte>(next, count));
            next += count;
            left -= count;
        }
    }
}
