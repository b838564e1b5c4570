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

// Every switch the other way round; what Halo itself computes is recorded. tools and tests hold Halo to other references.
ModelConfiguration usual = ModelConfiguration.Load(golden);
Record("switches-a", usual with
{
    TieWordEmbeddings = false, AttentionBias = true, AttentionOutputBias = true, MlpBias = true, AttnUseQkNorm = false, AttnUseOutputGate = false, AttnUseRope = true,
    RopeScaling = new RopeScaling(4, 32), AttnLogitsScaling = new LogitsScaling(null, 1.25), LightningNh = 6, LightningNkv = 2, LightningScale = "1/d",
    LightningRopeScaling = new RopeScaling(8, 64) { Kind = RopeScalingKind.Llama3 }, MixerTypes = [MixerType.Attention, MixerType.Lightning, MixerType.Lightning, MixerType.Attention],
});
Record("switches-b", usual with
{
    AttnLogitsScaling = LogitsScaling.Hype(30.5), LightningHeadDim = 8, LightningScale = "1", LightningUseQkNorm = false, LightningUseOutputGate = false,
    LightningRopeScaling = new RopeScaling(2, 0) { Kind = RopeScalingKind.Linear },
});
Record("switches-c", usual with { LightningUseRope = false, LightningUseOutputNorm = false });

void Record(string name, ModelConfiguration configuration)
{
    string place = Path.Combine(target, name);
    using (CausalLm model = CausalLm.Create(configuration, torch.CPU, torch.ScalarType.Float32, seed: 5))
    using (torch.no_grad())
    using (torch.NewDisposeScope())
    {
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value.add_(torch.randn_like(parameter.Value), parameter.Shape.Count == 1 ? 0.3 : 0.1); // So that every weight matters.
        }

        model.Save(place, torch.ScalarType.Float32);
        torch.Tensor ids_BT = torch.randint(0, configuration.VocabSize, [2, 150]);
        SafetensorsWriter.Write(Path.Combine(place, "golden.safetensors"), [("input_ids", ids_BT), ("logits", model.Logits(model.Hidden(ids_BT)))]);
    }

    Prepare(name, place);
}

void Prepare(string name, string source)
{
    string place = Path.Combine(target, name);
    Directory.CreateDirectory(place);
    foreach (string file in new[] { "model.safetensors", "golden.safetensors" })
    {
        string path = source == shipped || source == place ? Path.Combine(source, file) : Golden.Path($"models/{name}/{file}");
        if (source != place && File.Exists(path))
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
