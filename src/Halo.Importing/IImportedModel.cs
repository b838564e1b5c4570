using System.Text.Json.Nodes;
using Halo.Models;
using Halo.Tensors;

namespace Halo.Importing;

/// <summary>A model in a file of another format.</summary>
internal interface IImportedModel : IDisposable
{
    /// <summary>Its configuration, with the ids of its special tokens among the unknown keys.</summary>
    ModelConfiguration Configuration { get; }

    /// <summary>Its tensors under Hugging Face names.</summary>
    IReadOnlyList<TensorSource> Tensors { get; }

    /// <summary>Its own tokenizer: the files tokenizer.json and tokenizer_config.json.</summary>
    IReadOnlyDictionary<string, JsonObject> Tokenizer();
}
