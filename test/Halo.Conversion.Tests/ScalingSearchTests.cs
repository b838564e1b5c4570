using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Text;
using Halo.Text.Data;
using static TorchSharp.torch;

namespace Halo.Conversion.Tests;

/// <summary>The search for a.</summary>
public class ScalingSearchTests
{
    [Fact]
    public void ItGivesTheLowestLossItMeasured()
    {
        using var toy = new Toy();
        (ScalingResult found, LogitsScaling? after) = Search(toy, new ScaleSpecification { RowLength = 128, Rows = 2 });
        Assert.Null(after);
        Assert.Equal(128, found.RowLength);
        Assert.Equal(2, found.Rows);
        Assert.True(found.Tried.Count >= 9);
        if (found.Base is { } a)
        {
            Assert.Equal(found.Tried.Values.Min(), found.Tried[a]);
            Assert.True(found.Loss < found.LossWithout);
        }
        else
        {
            Assert.True(found.Tried.Values.Min() >= found.LossWithout);
        }
    }

    [Fact]
    public void WhereNoScalingIsBestNoneIsWritten()
    {
        // Attention that a larger scale can only sharpen is not better for any a on a model without use of it: one that ignores attention altogether.
        using var toy = new Toy();
        (ScalingResult found, _) = Search(toy, new ScaleSpecification { RowLength = 64, Rows = 1 }, model =>
        {
            foreach (Parameter parameter in model.Parameters.Where(parameter => parameter.Name.EndsWith("self_attn.o_proj.weight", StringComparison.Ordinal)))
            {
                parameter.Value.zero_();
            }
        });
        Assert.Null(found.Base);
        Assert.Null(found.Scaling);
        Assert.Null(found.ToJson()["attn_logits_scaling"]);
        Assert.Equal(found.LossWithout, found.Loss);
    }

    [Fact]
    public void RowsLongerThanTheTextAreHalvedAndItIsRecorded()
    {
        using var toy = new Toy();
        (ScalingResult found, _) = Search(toy, new ScaleSpecification { RowLength = 1 << 20, Rows = 1 });
        Assert.InRange(found.RowLength, 64, 1 << 12);
        Assert.Equal(found.RowLength, found.ToJson()["row_length"]!.GetValue<int>());
    }

    [Fact]
    public void WithoutHeldOutTextItSaysSo()
    {
        using var toy = new Toy();
        Assert.Contains("held", Assert.Throws<HaloException>(() => Search(toy, new ScaleSpecification { RowLength = 64 }, null, heldOut: 0)).Message);
    }

    private static (ScalingResult Found, LogitsScaling? After) Search(Toy toy, ScaleSpecification scale, Action<CausalLm>? change = null, double heldOut = 0.3)
    {
        using CausalLm teacher = CausalLm.Load(toy.Teacher, CPU, ScalarType.Float32);
        var specification = new StudentSpecification();
        using CausalLm student = WeightTransfer.Transfer(teacher, WeightTransfer.Configuration(teacher.Configuration, specification, [1]), specification, ScalarType.Float32);
        using (no_grad())
        {
            change?.Invoke(student);
        }

        using var data = new DataSet(new DataSpecification { HeldOut = heldOut }, [toy.Data], HuggingFaceTokenizer.Load(toy.Teacher), Path.Combine(toy.Root, "cache"), NullRunLog.Instance);
        return (ScalingSearch.Run(student, scale, data, NullRunLog.Instance, CancellationToken.None), student.LogitsScaling);
    }
}
