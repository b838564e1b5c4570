using System.Reflection;

namespace Halo.Architecture.Tests;

/// <summary>The arrows of docs/architecture.md: which room may know which.</summary>
public class RoomTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Halo.Core"] = [],
        ["Halo.Tensors"] = ["Halo.Core"],
        ["Halo.Kernels"] = ["Halo.Core", "Halo.Tensors"],
        ["Halo.Models"] = ["Halo.Core", "Halo.Tensors", "Halo.Kernels"],
        ["Halo.Text"] = ["Halo.Core"],
        ["Halo.Importing"] = ["Halo.Core", "Halo.Tensors", "Halo.Kernels", "Halo.Models", "Halo.Text"],
        ["Halo.Inference"] = ["Halo.Core", "Halo.Tensors", "Halo.Kernels", "Halo.Models"],
        ["Halo.Evaluation"] = ["Halo.Core", "Halo.Tensors", "Halo.Kernels", "Halo.Models", "Halo.Text", "Halo.Inference"],
        ["Halo.Training"] = ["Halo.Core", "Halo.Tensors", "Halo.Kernels", "Halo.Models", "Halo.Text"],
        ["Halo.Conversion"] = ["Halo.Core", "Halo.Tensors", "Halo.Kernels", "Halo.Models", "Halo.Text", "Halo.Inference", "Halo.Evaluation", "Halo.Training"],
        ["Halo.Reporting"] = ["Halo.Core"],
    };

    public static TheoryData<string> Rooms => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void ARoomKnowsOnlyWhatItMay(string room)
    {
        string[] known = Assembly.Load(room).GetReferencedAssemblies().Select(name => name.Name!).Where(name => name.StartsWith("Halo.", StringComparison.Ordinal)).ToArray();
        Assert.Empty(known.Except(Allowed[room]));
    }

    [Theory]
    [InlineData("Halo.Text")]
    [InlineData("Halo.Reporting")]
    [InlineData("Halo.Core")]
    public void TextReportingAndCoreDoWithoutTorch(string room) =>
        Assert.DoesNotContain(Assembly.Load(room).GetReferencedAssemblies(), name => name.Name == "TorchSharp");

    [Fact]
    public void NativeCallsStayInTensorsAndKernels()
    {
        foreach (string room in Allowed.Keys.Except(["Halo.Tensors", "Halo.Kernels"]))
        {
            var imports = from type in Assembly.Load(room).GetTypes()
                          from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
                          where method.GetCustomAttribute<System.Runtime.InteropServices.DllImportAttribute>() is not null
                          select $"{type.FullName}.{method.Name}";
            Assert.Empty(imports);
        }
    }
}
