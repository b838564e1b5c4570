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
    public void Probes_are_kept_apart_from_steps()
    {
        LossCurve curve = Assert.Single(LossCurve.Of([Step("stage2", 1, 1), Step("stage2", 1, 2, "probe")]));
        Assert.Equal([(1.0, 1.0)], curve.Losses);
        Assert.Equal([(1.0, 2.0)], curve.Probes["loss"]);
    }
}
