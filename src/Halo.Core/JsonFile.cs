using System.Text.Json;
using System.Text.Json.Nodes;

namespace Halo.Core;

/// <summary>Reads JSON files with errors that name the file.</summary>
public static class JsonFile
{
    /// <summary>Reads a file that holds one JSON object; comments and trailing commas are allowed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="remedy">What to do when it is missing.</param>
    /// <exception cref="HaloException">The file is missing, unreadable or holds something else.</exception>
    public static JsonObject ReadObject(string path, string remedy)
    {
        try
        {
            JsonNode? node = JsonNode.Parse(File.ReadAllBytes(path), null, HaloJson.Lenient);
            var result = node as JsonObject ?? throw new HaloException("the file holds no JSON object", path, remedy);
            _ = result.Count; // Reads all keys, so that one that stands twice is an error here.
            return result;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HaloException("the file is missing", path, remedy, error);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new HaloException($"the file is no valid JSON ({error.Message.TrimEnd('.')})", path, "mend or replace the file", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check its permissions", error);
        }
    }
}
