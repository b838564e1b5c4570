using System.Text.Json.Nodes;
using Halo.Inference;
using Halo.Models;
using Halo.Testing;
using TorchSharp;

namespace Halo.Evaluation.Tests;

/// <summary>Log-likelihoods of SmolLM2-135M-Instruct (folder smollm2-135m-instruct under HALO_TEST_MODELS, a Hugging Face folder or a GGUF file) equal those of lm-evaluation-harness.</summary>
public sealed class RealModelTests
{
    private const int ItemsOfATask = 5;

    [Fact]
    public void LogLikelihoodsOfItemsAreTheHarnesss()
    {
        using CausalLm model = Load();
        JsonObject[] records = [.. GoldenItems.Records("items").Where(record => record["doc_index"]!.GetValue<int>() < ItemsOfATask), .. GoldenItems.Records("extra")];
        Compare(model, [.. records.SelectMany(record => record["requests"]!.AsArray()).Select(request => request!.AsObject())], 2048);
    }

    [Fact]
    public void LogLikelihoodsAtTheEdgesAreTheHarnesss()
    {
        using CausalLm model = Load();
        foreach (IGrouping<int, JsonObject> group in GoldenItems.Records("edge").GroupBy(record => record["max_length"]!.GetValue<int>()))
        {
            Compare(model, [.. group], group.Key);
        }
    }

    [Fact]
    public void RollingLogLikelihoodsAreTheHarnesss()
    {
        using CausalLm model = Load();
        JsonObject record = GoldenItems.Records("wikitext").Single(record => record["max_length"]!.GetValue<int>() == 512);
        Compare(model, [.. record["windows"]!.AsArray().Select(window => window!.AsObject())], 512);
    }

    private static CausalLm Load() => CausalLm.Load(RealModel.Folder("smollm2-135m-instruct"), torch.CPU, torch.ScalarType.Float32);

    private static void Compare(CausalLm model, JsonObject[] expected, int maximumLength)
    {
        ScoringRequest[] requests = [.. expected.Select(record => new ScoringRequest(GoldenItems.Ids(record["context_ids"]), GoldenItems.Ids(record["continuation_ids"])))];
        IReadOnlyList<ScoredSequence> scored = new SequenceScorer(model).Score(requests, maximumLength);
        foreach ((JsonObject record, ScoredSequence one) in expected.Zip(scored))
        {
            Assert.Equal(record["loglikelihood_f64"]!.GetValue<double>(), one.LogLikelihood, GoldenItems.Tolerance(one.TokenMatches.Length));
            Assert.Equal(record["is_greedy"]?.GetValue<bool>() ?? one.IsGreedy, one.IsGreedy);
        }
    }
}
