using System.Globalization;
using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Inference;

/// <summary>A copy of what a sequence had read and remembered: for going back, branching, and reuse of a beginning, in this process or a later one.</summary>
public sealed class SequenceSnapshot : IDisposable
{
    private const string Format = "halo-sequence-1";

    internal SequenceSnapshot(string identity, int[] ids, IReadOnlyList<Tensor[]> layers, Tensor? logits_1V)
    {
        (Identity, Ids, Layers, Logits_1V) = (identity, ids, layers, logits_1V);
    }

    /// <summary>The model that read (<see cref="ModelIdentity"/>).</summary>
    public string Identity { get; }

    /// <summary>Ids read.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Layers.SelectMany(layer => layer).Sum(one => one.NumberOfElements * one.element_size());

    internal IReadOnlyList<Tensor[]> Layers { get; }

    internal Tensor? Logits_1V { get; }

    /// <summary>Writes a safetensors file as a whole or not at all: the ids, the logits after them, keys and values or the state of each layer.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="HaloException">It cannot be written.</exception>
    public void Save(string path)
    {
        using DisposeScope scope = NewDisposeScope();
        var tensors = new List<(string, Tensor)> { ("ids", tensor(Ids.ToArray())) };
        if (Logits_1V is not null)
        {
            tensors.Add(("logits", Logits_1V));
        }

        for (int layer = 0; layer < Layers.Count; layer++)
        {
            string[] names = Names(layer, Layers[layer].Length);
            tensors.AddRange(names.Zip(Layers[layer]));
        }

        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["halo"] = Format, ["model"] = Identity, ["layers"] = Layers.Count.ToString(CultureInfo.InvariantCulture) });
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote. Whether it fits a model shows when it is restored.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="HaloException">It is missing, broken, or no snapshot.</exception>
    public static SequenceSnapshot Load(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        IReadOnlyDictionary<string, string> texts = file.Metadata;
        if (texts.GetValueOrDefault("halo") != Format || !texts.TryGetValue("model", out string? identity) || !int.TryParse(texts.GetValueOrDefault("layers"), NumberStyles.None, CultureInfo.InvariantCulture, out int layers))
        {
            throw new HaloException("the file is no snapshot of a sequence", path, "give a file that was saved as one");
        }

        using DisposeScope scope = NewDisposeScope();
        int[] ids = file.Read("ids", ScalarType.Int32).data<int>().ToArray();
        Tensor One(string name) => file.Read(name);
        var read = new List<Tensor[]>();
        for (int layer = 0; layer < layers; layer++)
        {
            read.Add([.. Names(layer, file.Entries.ContainsKey(Names(layer, 1)[0]) ? 1 : 2).Select(One)]);
        }

        Tensor? logits_1V = file.Entries.ContainsKey("logits") ? file.Read("logits") : null;
        foreach (Tensor one in read.SelectMany(layer => layer))
        {
            one.DetachFromDisposeScope();
        }

        return new SequenceSnapshot(identity, ids, read, logits_1V?.DetachFromDisposeScope());
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (Tensor one in Layers.SelectMany(layer => layer))
        {
            one.Dispose();
        }

        Logits_1V?.Dispose();
    }

    private static string[] Names(int layer, int count) => count == 1 ? [$"layers.{layer}.state"] : [$"layers.{layer}.keys", $"layers.{layer}.values"];
}
