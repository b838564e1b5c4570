using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Text.Data;

namespace Halo.Conversion;

/// <summary>
/// What a run was started with beside its recipe. Paths may change when folders are moved; the fingerprints, taken of names, sizes and the
/// beginnings and ends of files, may not.
/// </summary>
/// <param name="Source">Key of the model or tokenizer folder: teacher or tokenizer.</param>
/// <param name="SourcePath">That folder.</param>
/// <param name="SourceFingerprint">Its fingerprint.</param>
/// <param name="Data">Paths of --data.</param>
/// <param name="DataFingerprint">Fingerprint of all text of the run.</param>
internal sealed record RunIdentity(string Source, string SourcePath, string SourceFingerprint, IReadOnlyList<string> Data, string DataFingerprint)
{
    private const int Sample = 64 << 10;

    /// <summary>Identity of a conversion: teacher and text.</summary>
    public static RunIdentity OfConversion(PipelineRequest request) =>
        new("teacher", request.Teacher, OfFiles(ModelFiles(request.Teacher)), request.Data, OfText(request.Recipe, request.Data));

    /// <summary>Identity of a pretraining: tokenizer and text.</summary>
    public static RunIdentity OfPretraining(Recipe recipe, string tokenizer, IReadOnlyList<string> data) =>
        new("tokenizer", tokenizer, OfFiles([Path.Combine(tokenizer, "tokenizer.json")]), data, OfText(recipe, data));

    /// <summary>As the run folder keeps it.</summary>
    public JsonObject ToJson() => new()
    {
        [Source] = Path.GetFullPath(SourcePath),
        [$"{Source}_fingerprint"] = SourceFingerprint,
        ["data"] = new JsonArray([.. Data.Select(path => (JsonNode)Path.GetFullPath(path))]),
        ["data_fingerprint"] = DataFingerprint,
    };

    /// <summary>Compares with what a run folder says.</summary>
    /// <exception cref="HaloException">The run was started with another teacher, tokenizer or text.</exception>
    public void RequireSame(JsonObject there, string where)
    {
        foreach ((string what, string key, string own, string option) in new[] { (Source, $"{Source}_fingerprint", SourceFingerprint, $"--{Source}"), ("text", "data_fingerprint", DataFingerprint, "--data") })
        {
            if (there[key] is JsonValue value && value.ToString() != own)
            {
                JsonNode? began = there[what == "text" ? "data" : Source];
                throw new HaloException($"the run folder belongs to another {what}; it began with {began?.ToJsonString(HaloJson.Line) ?? "an unknown one"}", where, $"give {option} as then, or choose another --out");
            }
        }
    }

    private static IEnumerable<string> ModelFiles(string folder) =>
        Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file) is "config.json" or "tokenizer.json" || file.EndsWith(".safetensors", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static string OfText(Recipe recipe, IReadOnlyList<string> data)
    {
        IEnumerable<SourceSpecification> sources = recipe.Data.Sources.Concat(recipe.StageSources);
        return OfFiles(sources.Select(source => source.Path).OfType<string>().Concat(data).Distinct().SelectMany(Corpus.Files));
    }

    private static string OfFiles(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Sample];
        foreach (string file in files)
        {
            try
            {
                using FileStream stream = File.OpenRead(file);
                hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetFileName(file)} {stream.Length}\n"));
                hash.AppendData(buffer, 0, stream.ReadAtLeast(buffer, Sample, throwOnEndOfStream: false));
                stream.Position = Math.Max(stream.Position, stream.Length - Sample);
                hash.AppendData(buffer, 0, stream.ReadAtLeast(buffer, Sample, throwOnEndOfStream: false));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", file, "check the path and its permissions", error);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..24];
    }
}
