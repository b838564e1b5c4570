using Halo.Core;
using Halo.Inference;
using Halo.Models;
using Halo.Testing;
using TorchSharp;

namespace Halo.Evaluation.Tests;

/// <summary>Contexts around fakes and the tiny reference model.</summary>
internal static class TestContexts
{
    public static CausalLm TinyModel()
    {
        string config = Golden.Path("models/hypenet/config.json");
        Golden.Path("models/hypenet/model.safetensors");
        return CausalLm.Load(Path.GetDirectoryName(config)!, torch.CPU, torch.ScalarType.Float32);
    }

    public static EvaluationContext Make(EvaluationOptions options, IGenerator? generator = null, ISequenceScorer? scorer = null, SampleWriter? samples = null) => new()
    {
        Model = "student",
        Generator = generator ?? new OracleGenerator(_ => true),
        Scorer = scorer ?? new UniformScorer(),
        Tokenizer = new AsciiTokenizer(),
        Options = options,
        Samples = samples,
        StopIds = [AsciiTokenizer.End],
    };

    public static string TemporaryFolder() => Directory.CreateTempSubdirectory("halo-evaluation-").FullName;

    public static ResultRecord One(this IEnumerable<ResultRecord> records, string metric) => records.Single(record => record.Metric == metric);
}
