using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;
using Halo.Reporting;

namespace Halo.Cli;

/// <summary>What <c>halo bench inference</c> measured, as records, as lines and as one JSON value.</summary>
/// <param name="settings">What is the same for all.</param>
/// <param name="rates">What the machine does at best.</param>
internal sealed class InferenceTable(JsonObject settings, MachineRates rates)
{
    private const double Giga = 1e9;
    private readonly List<ResultRecord> _records = [];
    private readonly JsonArray _refused = [];
    private string _last = "";

    /// <summary>One record a figure.</summary>
    public IReadOnlyList<ResultRecord> Records => _records;

    public void Add(string name, InferenceEngine engine, InferenceMeasurement measured)
    {
        double weights = engine.WeightBytes;
        var plain = new InferenceCosts(engine.Configuration, 1, 1);
        var costs = new InferenceCosts(engine.Configuration, weights / plain.StreamedWeights, engine.BytesPerEntry);
        double matrixShare = measured.Batch * costs.PrefillOperations(measured.Context) / measured.PrefillSeconds / rates.OperationsPerSecond;
        double bandwidthShare = costs.DecodeBytes(measured.Batch, measured.Context) / measured.SecondsPerStep / rates.BytesPerSecond;
        void Put(string metric, double value)
        {
            var own = (JsonObject)settings.DeepClone();
            own["length"] = measured.Context;
            own["runner"] = engine.Runner;
            _records.Add(new ResultRecord(name, InferencePlots.Task, metric, value, null, 1, own));
        }

        Put("prefill_seconds", measured.PrefillSeconds);
        Put("milliseconds_per_token", measured.SecondsPerStep * 1e3);
        Put("memory_gigabytes", (weights + measured.CacheBytes) / Giga);
        Put("prefill_tokens_per_second", (double)measured.Batch * measured.Context / measured.PrefillSeconds);
        Put("tokens_per_second", measured.Batch / measured.SecondsPerStep);
        Put("prefill_share_of_matrix_rate", matrixShare);
        Put("decode_share_of_bandwidth", bandwidthShare);
        Put("cache_gigabytes", measured.CacheBytes / Giga);
        Put("memory_in_use_gigabytes", measured.MemoryBytes / Giga);
        _last = string.Create(CultureInfo.InvariantCulture, $"{name,-20} {measured.Context,8} tokens: read in {measured.PrefillSeconds:0.000} s ({measured.Batch * measured.Context / measured.PrefillSeconds:0} tokens/s, {100 * matrixShare:0} % of the matrix rate), {measured.SecondsPerStep * 1e3:0.00} ms a step ({measured.Batch / measured.SecondsPerStep:0.0} tokens/s, {100 * bandwidthShare:0} % of the bandwidth), cache {measured.CacheBytes / Giga:0.000} GB");
    }

    public void Refuse(string name, int length, string why)
    {
        _refused.Add(new JsonObject { ["model"] = name, ["length"] = length, ["why"] = why });
        _last = $"{name,-20} {length,8} tokens: {why}";
    }

    public void PrintLast(TextWriter output) => output.WriteLine(_last);

    public void PrintSpeedUps(TextWriter output)
    {
        foreach ((int length, double prefill, double decode) in SpeedUps())
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{length,8} tokens: reading {prefill:0.00} times, writing {decode:0.00} times as fast"));
        }
    }

    public JsonObject ToJson() => new()
    {
        ["settings"] = settings.DeepClone(),
        ["machine"] = new JsonObject { ["gigabytes_per_second"] = rates.BytesPerSecond / Giga, ["teraflops"] = rates.OperationsPerSecond / 1e12 },
        ["results"] = JsonSerializer.SerializeToNode(_records, HaloJson.Line),
        ["refused"] = _refused.DeepClone(),
        ["speed_up"] = new JsonArray([.. SpeedUps().Select(one => new JsonObject { ["length"] = one.Length, ["prefill"] = one.Prefill, ["decode"] = one.Decode })]),
    };

    private IEnumerable<(int Length, double Prefill, double Decode)> SpeedUps()
    {
        string[] models = [.. _records.Select(record => record.Model).Distinct()];
        double? Value(string model, string metric, int length) => _records.Find(record => record.Model == model && record.Metric == metric && (int)record.Settings["length"]! == length)?.Value;
        return models.Length < 2 ? [] : from length in _records.Select(record => (int)record.Settings["length"]!).Distinct()
            let prefill = Value(models[1], "prefill_seconds", length) / Value(models[0], "prefill_seconds", length)
            let decode = Value(models[1], "milliseconds_per_token", length) / Value(models[0], "milliseconds_per_token", length)
            where prefill is not null
            select (length, prefill.Value, decode!.Value);
    }
}
