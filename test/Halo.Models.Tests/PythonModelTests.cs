using System.Text.Json.Nodes;

namespace Halo.Models.Tests;

/// <summary>The PyTorch modelling files. What they compute is checked by tools/check-python.sh, which needs PyTorch.</summary>
public sealed class PythonModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-python-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void Every_class_of_the_auto_map_is_in_the_file_that_it_names()
    {
        PythonModel.Write(_folder);
        foreach ((string _, JsonNode? value) in PythonModel.AutoMap())
        {
            string[] parts = value!.ToString().Split('.');
            Assert.Contains($"class {parts[1]}(", File.ReadAllText(Path.Combine(_folder, parts[0] + ".py")));
        }
    }

    [Fact]
    public void Every_weight_and_key_of_a_HypeNet_is_known_to_them()
    {
        PythonModel.Write(_folder);
        string modeling = File.ReadAllText(Path.Combine(_folder, "modeling_hypenet.py")), configuration = File.ReadAllText(Path.Combine(_folder, "configuration_hypenet.py"));
        using CausalLm model = GoldenModel.Load("hypenet");
        foreach (string part in model.Parameters.SelectMany(parameter => parameter.Name.Split('.')).Where(part => !int.TryParse(part, out _)).Distinct().Except(["model", "weight"]))
        {
            Assert.Contains($"self.{part} = ", modeling);
        }

        string[] handled = ["architectures", "model_type"];
        foreach (string key in model.Configuration.ToJson().Select(pair => pair.Key).Except(handled))
        {
            Assert.Contains($"        {key}=", configuration);
        }
    }

    [Fact]
    public void The_shipped_model_carries_the_same_files()
    {
        PythonModel.Write(_folder);
        string shipped = Path.Combine(Testing.Golden.Folder, "..", "..", "models", "hypenet-nano");
        foreach (string file in Directory.GetFiles(_folder))
        {
            Assert.Equal(File.ReadAllText(file), File.ReadAllText(Path.Combine(shipped, Path.GetFileName(file))));
        }

        Assert.True(JsonNode.DeepEquals(PythonModel.AutoMap(), ModelConfiguration.Load(shipped).Extra[PythonModel.AutoMapKey]));
    }
}
