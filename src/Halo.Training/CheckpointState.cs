using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Training;

/// <summary>What state.json of a checkpoint holds.</summary>
/// <param name="Stage">Stage name.</param>
/// <param name="Step">Updates done.</param>
/// <param name="Tokens">Supervised tokens seen.</param>
/// <param name="Objective">Name of the objective.</param>
/// <param name="Data">A text that identifies the data (sources, weights, tokenizer); null when the caller gave none.</param>
/// <param name="Options">The options as run.</param>
/// <param name="Files">Bytes of each file of the checkpoint.</param>
internal sealed record CheckpointState(
    string Stage, long Step, long Tokens, string Objective, string? Data, TrainingOptions Options, IReadOnlyDictionary<string, long> Files)
{
    /// <summary>Keys that may change between the start and the continuation of a run: they do not change what is computed, up to rounding.</summary>
    private static readonly HashSet<string> Free = ["micro_batch", "recompute", "loss_chunk", "checkpoint_every", "keep_checkpoints", "log_every"];

    /// <summary>Refuses to continue a run under other options.</summary>
    /// <param name="now">What is about to run (its step and files do not matter).</param>
    /// <param name="folder">The checkpoint, for the error.</param>
    /// <exception cref="HaloException">Stage, objective, data or an option differs; the error names each key with both values.</exception>
    public void RequireSame(CheckpointState now, string folder)
    {
        var differences = new List<string>();
        Compare("stage", Stage, now.Stage);
        Compare("objective", Objective, now.Objective);
        Compare("data", Data, now.Data);
        JsonObject then = Json(Options);
        foreach ((string key, JsonNode? value) in Json(now.Options))
        {
            if (!Free.Contains(key))
            {
                Compare(key, then[key]?.ToJsonString(), value?.ToJsonString());
            }
        }

        if (differences.Count > 0)
        {
            throw new HaloException(
                $"the checkpoint was made with other settings: {string.Join("; ", differences)}", folder, "restore these settings, or choose another output folder");
        }

        void Compare(string key, string? before, string? after)
        {
            if (before != after)
            {
                differences.Add($"{key} was {before ?? "not given"}, is {after ?? "not given"}");
            }
        }
    }

    private static JsonObject Json(TrainingOptions options) => JsonSerializer.SerializeToNode(options, HaloJson.Line)!.AsObject();
}
