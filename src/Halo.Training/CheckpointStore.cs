using System.Globalization;
using System.Text.Json;
using Halo.Core;
using Halo.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// The checkpoints of one stage: folders <c>step-00001234</c> with <c>weights.safetensors</c> (float32, by the weights' names),
/// <c>optimizer.safetensors</c> (<c>exp_avg.NAME</c>, <c>exp_avg_sq.NAME</c>) and <c>state.json</c>. A folder gets its name only when all of it is on disk.
/// </summary>
/// <param name="folder">The stage's folder.</param>
/// <param name="keep">Checkpoints kept.</param>
internal sealed class CheckpointStore(string folder, int keep)
{
    private const string Prefix = "step-";
    private const string Partial = ".partial-";
    private const string WeightsFile = "weights.safetensors";
    private const string MomentsFile = "optimizer.safetensors";
    private const string StateFile = "state.json";

    /// <summary>The weights' file of a checkpoint: float32, by name.</summary>
    public static string Weights(string checkpoint) => Path.Combine(checkpoint, WeightsFile);

    /// <summary>Removes what an interrupted write left.</summary>
    public void Clean()
    {
        if (Directory.Exists(folder))
        {
            foreach (string left in Directory.GetDirectories(folder, Partial + "*"))
            {
                Directory.Delete(left, recursive: true);
            }
        }
    }

    /// <summary>The newest complete checkpoint; null when there is none.</summary>
    /// <param name="passedOver">Told of each newer folder that is damaged or not understood.</param>
    public (string Folder, CheckpointState State)? Newest(Action<string>? passedOver = null)
    {
        foreach (string checkpoint in Folders())
        {
            if (Read(checkpoint) is { } state)
            {
                return (checkpoint, state);
            }

            passedOver?.Invoke(checkpoint);
        }

        return null;
    }

    /// <summary>Writes a checkpoint and removes the oldest ones beyond the number kept.</summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="HaloException">It cannot be written; those before it stay.</exception>
    public string Write(CheckpointState state, FlatParameters flat, AdamW optimizer)
    {
        string name = Prefix + state.Step.ToString("00000000", CultureInfo.InvariantCulture);
        string partial = Path.Combine(folder, Partial + name);
        string final = Path.Combine(folder, name);
        try
        {
            Directory.CreateDirectory(partial);
            using (no_grad())
            using (NewDisposeScope())
            {
                SafetensorsWriter.Write(Path.Combine(partial, WeightsFile), [.. Named("", flat.Master, flat)]);
                SafetensorsWriter.Write(
                    Path.Combine(partial, MomentsFile), [.. Named("exp_avg.", optimizer.FirstMoment, flat), .. Named("exp_avg_sq.", optimizer.SecondMoment, flat)]);
            }

            var sizes = new[] { WeightsFile, MomentsFile }.ToDictionary(file => file, file => new FileInfo(Path.Combine(partial, file)).Length);
            AtomicFile.WriteAllText(Path.Combine(partial, StateFile), JsonSerializer.Serialize(state with { Files = sizes }, HaloJson.Indented));
            if (Directory.Exists(final))
            {
                Directory.Delete(final, recursive: true);
            }

            Directory.Move(partial, final);
            Rotate();
            return final;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or HaloException)
        {
            string why = (error as HaloException)?.What ?? error.Message.TrimEnd('.');
            string kept = Newest() is { } newest ? $"; the checkpoint of step {newest.State.Step} is kept, and the same command continues from it" : "";
            throw new HaloException($"cannot write the checkpoint of step {state.Step} ({why})", final, $"check free space and permissions{kept}", error);
        }
        finally
        {
            TryDelete(partial);
        }
    }

    /// <summary>Fills weights and moments from a checkpoint.</summary>
    /// <exception cref="HaloException">It belongs to another model.</exception>
    public static void Load(string checkpoint, FlatParameters flat, AdamW optimizer)
    {
        using IDisposable noGradient = no_grad();
        Fill(Path.Combine(checkpoint, WeightsFile), [("", flat.Master)], flat);
        Fill(Path.Combine(checkpoint, MomentsFile), [("exp_avg.", optimizer.FirstMoment), ("exp_avg_sq.", optimizer.SecondMoment)], flat);
        flat.Refresh();
    }

    private static void Fill(string path, (string Prefix, Tensor Flat)[] targets, FlatParameters flat)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        var expected = targets.SelectMany(target => flat.Segments.Select(segment => target.Prefix + segment.Name)).ToHashSet();
        string? wrong = file.Entries.Keys.FirstOrDefault(name => !expected.Contains(name)) ?? expected.FirstOrDefault(name => !file.Entries.ContainsKey(name));
        foreach ((string prefix, Tensor target) in targets)
        {
            foreach (FlatSegment segment in flat.Segments)
            {
                using DisposeScope scope = NewDisposeScope();
                if (wrong is not null || !file.Entries[prefix + segment.Name].Shape.SequenceEqual(segment.Shape))
                {
                    throw new HaloException("the checkpoint belongs to another model", $"{path}, tensor {wrong ?? prefix + segment.Name}", "choose another output folder, or start from the model that the checkpoint was made with");
                }

                FlatParameters.View(target, segment).copy_(file.Read(prefix + segment.Name));
            }
        }
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Named(string prefix, Tensor buffer, FlatParameters flat) =>
        flat.Segments.Select(segment => (prefix + segment.Name, FlatParameters.View(buffer, segment)));

    private static CheckpointState? Read(string checkpoint)
    {
        try
        {
            CheckpointState? state = JsonSerializer.Deserialize<CheckpointState>(File.ReadAllText(Path.Combine(checkpoint, StateFile)), HaloJson.Indented);
            return state is not null && state.Files.All(file => new FileInfo(Path.Combine(checkpoint, file.Key)) is { Exists: true } info && info.Length == file.Value) ? state : null;
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What is left is removed by the next Clean.
        }
    }

    private IEnumerable<string> Folders() => Directory.Exists(folder)
        ? Directory.GetDirectories(folder, Prefix + "*")
            .Where(path => long.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .OrderByDescending(path => long.Parse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture))
        : [];

    private void Rotate()
    {
        foreach (string old in Folders().Skip(keep))
        {
            // Renamed first: an interrupted removal must not leave half a checkpoint under its name.
            string doomed = Path.Combine(folder, Partial + Path.GetFileName(old));
            Directory.Move(old, doomed);
            TryDelete(doomed);
        }
    }
}
