using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Models;

namespace Halo.Conversion.Tests;

/// <summary>What a conversion is said to take.</summary>
public class EstimateTests
{
    [Fact]
    public void TheRecipeOfThePaperTakesTheTokensAndWorkOfThePaper()
    {
        var teacher = ModelConfiguration.Parse(JsonNode.Parse("""
            {
              "model_type": "qwen3", "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
              "head_dim": 128, "vocab_size": 151936, "tie_word_embeddings": true, "rope_theta": 1000000, "rms_norm_eps": 1e-6, "max_position_embeddings": 40960
            }
            """)!.AsObject(), "here");
        Estimate estimate = Estimate.Of(RecipeReader.Load(Path.Combine(Toy.Repository, "recipes", "qwen3-1.7b.json"), []), teacher, "cuda");
        Assert.Equal([20000L * 32 * 512, 20000L * 96 * 512, 500L * 128 * 16384], estimate.Stages.Select(stage => (long)stage.Tokens));
        Assert.InRange(estimate.TeacherParameters, 1_720_000_000, 1_721_000_000);
        Assert.True(estimate.StudentParameters > estimate.TeacherParameters);

        // 6 N + 2 N_teacher a token: 3.0e19 in all.
        Assert.InRange(estimate.Stages.Sum(stage => stage.Flop), 2.6e19, 3.3e19);
        Assert.Equal(estimate.Stages.Sum(stage => stage.Flop), estimate.ToJson()["flop"]!.GetValue<double>());
    }
}
