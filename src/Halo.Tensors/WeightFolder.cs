using System.Text.Json.Nodes;
using Halo.Core;
using static TorchSharp.torch;

namespace Halo.Tensors;

/// <summary>The weights of a Hugging Face folder: the shards that model.safetensors.index.json names, else model.safetensors.</summary>
public sealed class WeightFolder : IDisposable
{
    /// <summary>Name of the only file.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>Name of the index of shards.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _fileOf = new(StringComparer.Ordinal);

    private WeightFolder(string folder, Dictionary<string, SafetensorsFile> files, IReadOnlyDictionary<string, string>? map)
    {
        Folder = folder;
        _files = files;
        var entries = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        foreach ((string fileName, SafetensorsFile file) in files)
        {
            foreach (TensorEntry entry in file.Entries.Values.Where(entry => map is null || (map.TryGetValue(entry.Name, out string? owner) && owner == fileName)))
            {
                entries[entry.Name] = entry;
                _fileOf[entry.Name] = file;
            }
        }

        foreach ((string tensor, string owner) in map ?? new Dictionary<string, string>())
        {
            if (!entries.ContainsKey(tensor))
            {
                throw new HaloException($"the index says that '{tensor}' is in {owner}, but it is not there", folder, "get the model again");
            }
        }

        Entries = entries;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Opens the weights of a folder; headers only.</summary>
    /// <exception cref="HaloException">The folder, the index or a shard is missing or broken.</exception>
    public static WeightFolder Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new HaloException("there is no such model folder", folder, "give the folder of a Hugging Face model");
        }

        string index = Path.Combine(folder, IndexFile);
        Dictionary<string, string>? map = File.Exists(index) ? ReadIndex(index) : null;
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach (string name in map?.Values.Distinct() ?? [SingleFile])
            {
                files.Add(name, SafetensorsFile.Open(Path.Combine(folder, name)));
            }

            return new WeightFolder(folder, files, map);
        }
        catch
        {
            foreach (SafetensorsFile file in files.Values)
            {
                file.Dispose();
            }

            throw;
        }
    }

    /// <summary>Copies a tensor out, see <see cref="SafetensorsFile.Read"/>.</summary>
    /// <exception cref="HaloException">There is no such tensor.</exception>
    public Tensor Read(string name, ScalarType? type = null, Device? device = null) =>
        _fileOf.TryGetValue(name, out SafetensorsFile? file)
            ? file.Read(name, type, device)
            : throw new HaloException($"the tensor '{name}' is missing", Folder, "use a model that has it");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files.Values)
        {
            file.Dispose();
        }
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        JsonObject index = JsonFile.ReadObject(path, "get the model again");
        if (index["weight_map"] is not JsonObject map)
        {
            throw new HaloException("the index has no weight_map", path, "get the model again");
        }

        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string tensor, JsonNode? file) in map)
        {
            if (file is not JsonValue value || !value.TryGetValue(out string? name) || name != Path.GetFileName(name) || name.Length == 0)
            {
                throw new HaloException($"the index names no proper file for '{tensor}'", path, "get the model again");
            }

            result[tensor] = name;
        }

        return result.Count > 0 ? result : throw new HaloException("the index is empty", path, "get the model again");
    }
}
