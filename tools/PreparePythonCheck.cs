#:project ../src/Halo.Inference/Halo.Inference.csproj
#:project ../test/Halo.Testing/Halo.Testing.csproj
#:property PublishAot=false
#:property OutputType=Exe
#:property InvariantGlobalization=true

// Writes the folders that tools/check_python.py reads: HypeNet models as Halo exports them, recorded logits, and Halo's own greedy continuations.
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Tensors;
using Halo.Testing;
using TorchSharp;

const int NewTokens = 48;
string target = args is [var folder] ? folder : throw new ArgumentException("usage: dotnet run tools/PreparePythonCheck.cs -- FOLDER");
LibTorch.Initialize();
string golden = Path.GetDirectoryName(Golden.Path("models/hypenet/config.json"))!;
string shipped = Path.Combine(Environment.CurrentDirectory, "models", "hypenet-nano");
Prepare("hypenet", golden);
Prepare("hypenet-scaled", Path.GetDirectoryName(Golden.Path("models/hypenet-scaled/config.json"))!);
Prepare("hypenet-nano", shipped);

void Prepare(string name, string source)
{
    string place = Path.Combine(target, name);
    Directory.CreateDirectory(place);
    foreach (string file in new[] { "model.safetensors", "golden.safetensors" })
    {
        string path = source == shipped ? Path.Combine(source, file) : Golden.Path($"models/{name}/{file}");
        if (File.Exists(path))
        {
            File.Copy(path, Path.Combine(place, file), overwrite: true);
        }
    }

    ModelConfiguration configuration = ModelConfiguration.Load(source);
    JsonObject json = configuration.ToJson();
    json[PythonModel.AutoMapKey] = PythonModel.AutoMap();
    AtomicFile.WriteAllText(Path.Combine(place, "config.json"), json.ToJsonString(HaloJson.Indented));
    PythonModel.Write(place);

    using CausalLm model = CausalLm.Load(place, torch.CPU, torch.ScalarType.Float32);
    int[][] prompts = [.. new[] { 40, 25, 140 }.Select((length, row) => Enumerable.Range(0, length).Select(i => (1 + (i * 37) + (row * 11)) % (configuration.VocabSize - 1)).ToArray())];
    int[][] continuations = new Generator(model).Generate(prompts, new GenerationOptions { MaxTokens = NewTokens });
    AtomicFile.WriteAllText(Path.Combine(place, "greedy.json"), JsonSerializer.Serialize(new { prompts, continuations }));
    Console.WriteLine($"prepared {place}");
}
