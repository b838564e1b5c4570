using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Models;

/// <summary>
/// The small PyTorch modelling file that travels with a HypeNet folder, so that <c>AutoModelForCausalLM.from_pretrained(DIR, trust_remote_code=True)</c>
/// of Hugging Face's transformers loads it.
/// </summary>
public static class PythonModel
{
    /// <summary>Key of config.json that names the classes.</summary>
    public const string AutoMapKey = "auto_map";

    private static readonly string[] Files = ["configuration_hypenet.py", "modeling_hypenet.py"];

    /// <summary>The value of <see cref="AutoMapKey"/>.</summary>
    public static JsonObject AutoMap() => new()
    {
        ["AutoConfig"] = "configuration_hypenet.HypeNetConfig",
        ["AutoModel"] = "modeling_hypenet.HypeNetModel",
        ["AutoModelForCausalLM"] = "modeling_hypenet.HypeNetForCausalLM",
    };

    /// <summary>Writes the modelling files.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="HaloException">The folder cannot be written.</exception>
    public static void Write(string folder)
    {
        foreach (string name in Files)
        {
            using Stream resource = typeof(PythonModel).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"resource {name} is missing");
            AtomicFile.Write(Path.Combine(folder, name), resource.CopyTo);
        }
    }
}
