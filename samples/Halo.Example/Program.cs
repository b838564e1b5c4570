using Halo.Conversion;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using TorchSharp;

// Convert: the stages and the run folder of halo convert; called again, it continues.
Recipe recipe = RecipeReader.Load("recipes/demo.json", []);
var request = new PipelineRequest
{
    Recipe = recipe, Teacher = "models/qwen3-nano", Data = ["data/demo"], DefaultHaystack = "data/haystack", Run = "runs/mine",
    Device = LibTorch.Device("cpu"), ComputeType = torch.ScalarType.Float32,
};
Pipeline.Run(request, NullRunLog.Instance, CancellationToken.None);

// Load and generate.
ITokenizer tokenizer = HuggingFaceTokenizer.Load("runs/mine/model");
using CausalLm model = CausalLm.Load("runs/mine/model", LibTorch.Device("cpu"), torch.ScalarType.Float32);
int[] ids = new Generator(model).Generate([tokenizer.Encode("It was a cold evening, and")], new GenerationOptions { MaxTokens = 40 })[0];
Console.WriteLine(tokenizer.Decode(ids));
