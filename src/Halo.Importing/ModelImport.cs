using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using static TorchSharp.torch;

namespace Halo.Importing;

/// <summary>Turns a GGUF or llama2.c file into a complete Hugging Face folder.</summary>
public static class ModelImport
{
    private const long ShardBytes = 5L << 30;

    private static readonly string[] Companions = ["tokenizer_config.json", "generation_config.json", "special_tokens_map.json", "chat_template.jinja", "LICENSE"];

    /// <summary>Imports a model.</summary>
    /// <param name="source">The file, or a folder that holds one.</param>
    /// <param name="target">Folder to write, new or empty; nothing is in it before everything is.</param>
    /// <param name="type">Type of the weights; null: the file's own, float32 where it is quantised.</param>
    /// <param name="cancellation">Stops between tensors; nothing is left behind.</param>
    /// <returns>The configuration written.</returns>
    /// <exception cref="HaloException">The file is broken or of an architecture or type that Halo does not have, or the folder cannot be written.</exception>
    public static ModelConfiguration Run(string source, string target, ScalarType? type = null, CancellationToken cancellation = default)
    {
        string file = Find(source);
        using IImportedModel model = GgufModel.Is(file) ? new GgufModel(file) : new Llama2cModel(file);
        IReadOnlyList<TensorSource> tensors = [.. model.Tensors.Select(tensor => As(tensor, type, cancellation))];
        Check(model.Configuration, tensors, file);
        JsonObject config = model.Configuration.ToJson();
        ScalarType largest = tensors.MaxBy(tensor => tensor.Bytes)!.Type;
        config["dtype"] = largest.ToString().ToLowerInvariant();

        // The tokenizer first: a file whose tokenizer cannot be read costs no minutes of writing.
        IReadOnlyDictionary<string, byte[]> files = TokenizerFiles(model, Path.GetDirectoryName(Path.GetFullPath(file))!);
        var configuration = ModelConfiguration.Parse(config, file);
        NewFolder.Write(target, folder =>
        {
            foreach ((string name, byte[] content) in files)
            {
                AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(content));
            }

            if (Tokens(folder, file) is var size && size > configuration.VocabSize)
            {
                throw new HaloException($"the tokenizer has {size:N0} tokens, the model {configuration.VocabSize:N0}", file, "lay the tokenizer.json beside the file that belongs to the model");
            }

            SafetensorsWriter.WriteSharded(folder, tensors, ShardBytes);
            configuration.Save(folder);
        });
        return configuration;
    }

    private static string Find(string source)
    {
        if (File.Exists(source))
        {
            return source;
        }

        if (!Directory.Exists(source))
        {
            throw new HaloException("there is no such file or folder", source, "give a .gguf file, a llama2.c .bin file, or the folder of one");
        }

        string[] files = [.. Directory.EnumerateFiles(source).Where(file => file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || (file.EndsWith(".bin", StringComparison.OrdinalIgnoreCase) && !Llama2cModel.IsTokenizer(file)))];
        return files.Length switch
        {
            1 => files[0],
            0 => throw new HaloException("the folder holds no .gguf file and no .bin file", source, "give the file, or the folder of one"),
            _ => throw new HaloException($"the folder holds {files.Length} files that could be the model", source, $"name one, such as {Path.GetFileName(files.Min(StringComparer.Ordinal))}"),
        };
    }

    private static TensorSource As(TensorSource tensor, ScalarType? type, CancellationToken cancellation) => tensor with
    {
        Type = type ?? tensor.Type,
        Read = () =>
        {
            cancellation.ThrowIfCancellationRequested();
            Tensor own = tensor.Read();
            if (type is null || type == own.dtype)
            {
                return own;
            }

            using (own)
            {
                return own.to_type(type.Value);
            }
        },
    };

    private static void Check(ModelConfiguration configuration, IReadOnlyList<TensorSource> tensors, string file)
    {
        IReadOnlyDictionary<string, long[]> expected = CausalLm.Shapes(configuration);
        Dictionary<string, TensorSource> actual = tensors.ToDictionary(tensor => tensor.Name);
        string[] faults =
        [
            .. expected.Where(entry => !actual.ContainsKey(entry.Key)).Select(entry => $"missing:   {entry.Key}"),
            .. expected.Where(entry => actual.TryGetValue(entry.Key, out TensorSource? tensor) && !tensor.Shape.SequenceEqual(entry.Value)).Select(entry => $"misshapen: {entry.Key} is ({string.Join(", ", actual[entry.Key].Shape)}), needs ({string.Join(", ", entry.Value)})"),
            .. actual.Keys.Where(name => !expected.ContainsKey(name)).Select(name => $"unused:    {name}"),
        ];
        if (faults.Length > 0)
        {
            throw new HaloException($"{faults.Length} tensors do not fit the file's own description\n    {string.Join("\n    ", faults.Take(10))}", file, "get the file again, or give one of a Llama, Qwen2 or Qwen3 model");
        }
    }

    // Files that lie beside the model are taken over; else, or where none tells the special tokens, the file's own tokenizer becomes them.
    private static Dictionary<string, byte[]> TokenizerFiles(IImportedModel model, string folder)
    {
        var files = new Dictionary<string, byte[]>();
        string beside = Path.Combine(folder, "tokenizer.json");
        bool complete = File.Exists(beside) && File.Exists(Path.Combine(folder, "tokenizer_config.json"));
        try
        {
            foreach ((string name, JsonObject json) in complete ? new Dictionary<string, JsonObject>() : model.Tokenizer())
            {
                files[name] = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString(HaloJson.Indented) + "\n");
            }
        }
        catch (HaloException) when (File.Exists(beside))
        {
            // Its tokenizer is of a kind that Halo does not know, which does not matter.
        }

        files.TryAdd("generation_config.json", System.Text.Encoding.UTF8.GetBytes(Generation(model.Configuration).ToJsonString(HaloJson.Indented) + "\n"));
        if (File.Exists(beside))
        {
            files["tokenizer.json"] = File.ReadAllBytes(beside);
            foreach (string name in Companions.Where(name => File.Exists(Path.Combine(folder, name))))
            {
                files[name] = File.ReadAllBytes(Path.Combine(folder, name));
            }
        }

        return files;
    }

    // An error names what the user has: the tokenizer beside the model, or the model; the folder being filled is gone when it is read.
    private static int Tokens(string folder, string file)
    {
        try
        {
            return HuggingFaceTokenizer.Load(folder).VocabularySize;
        }
        catch (HaloException error) when (error.Where?.StartsWith(folder, StringComparison.Ordinal) == true)
        {
            string beside = Path.GetDirectoryName(Path.GetFullPath(file))!;
            throw new HaloException(error.What, File.Exists(Path.Combine(beside, "tokenizer.json")) ? beside + error.Where[folder.Length..] : file, error.Remedy, error);
        }
    }

    private static JsonObject Generation(ModelConfiguration configuration) =>
        new(new[] { "bos_token_id", "eos_token_id", "pad_token_id" }.Where(key => configuration.Extra[key] is not null).Select(key => KeyValuePair.Create(key, configuration.Extra[key]?.DeepClone())));
}
