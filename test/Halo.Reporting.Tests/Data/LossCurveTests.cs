using Halo.Core;

namespace Halo.Reporting.Tests;

public sealed class LossCurveTests
{
    private static RunEvent Step(string stage, long step, double loss, string kind = "step") => new(DateTime.UnixEpoch.AddSeconds(step), stage, kind, step, new() { ["loss"] = loss });

    [Fact]
    public void A_step_logged_again_after_a_kill_counts_once_with_its_later_loss()
    {
        LossCurve curve = Assert.Single(LossCurve.Of([Step("stage1", 1, 5), Step("stage1", 2, 4), Step("stage1", 3, 9), Step("stage1", 2, 4), Step("stage1", 3, 3)]));
        Assert.Equal([(1.0, 5.0), (2, 4), (3, 3)], curve.Losses);
    }

    [Fact]
    public void Stages_stand_in_the_order_of_a_conversion() =>
        Assert.Equal(["stage1", "stage2", "own"], LossCurve.Of([Step("own", 1, 1), Step("stage2", 1, 1), Step("stage1", 1, 1)]).Select(curve => curve.Stage));

    [Fact]
    public void Figures_of_probes_carry_their_probe_and_counts_are_passed_over()
    {
        RunEvent Probe(string name, double value) => new(DateTime.UnixEpoch, "pretrain", "probe", 5, new() { ["probe"] = name, ["token_accuracy"] = value, ["answers"] = 9 });
        LossCurve curve = Assert.Single(LossCurve.Of([Probe("short", 0.5), Probe("long", 0.25)]));
        Assert.Equal(["long token_accuracy", "short token_accuracy"], curve.Probes.Keys);
        Assert.Equal([(5.0, 0.25)], curve.Probes["long token_accuracy"]);
    }

    [Fact]
    public void Errors_of_layers_are_those_of_the_last_step()
    {
        RunEvent Told(long step, params double[] errors) => new(DateTime.UnixEpoch, "stage1", "step", step, new() { ["loss"] = 1, ["relative_error"] = new System.Text.Json.Nodes.JsonArray([.. errors.Select(error => (System.Text.Json.Nodes.JsonNode)error)]) });
        Assert.Equal([0.2, 0.1], Assert.Single(LossCurve.Of([Told(1, 0.9, 0.8), Told(2, 0.2, 0.1), Step("stage1", 3, 1)])).LayerErrors);
    }

    [Fact]
    public void Probes_are_kept_apart_from_steps()
    {
        LossCurve curve = Assert.Single(LossCurve.Of([Step("stage2", 1, 1), Step("stage2", 1, 2, "probe")]));
        Assert.Equal([(1.0, 1.0)], curve.Losses);
        Assert.Equal([(1.0, 2.0)], curve.Probes["loss"]);
    }
}
