using System.IO.Compression;
using System.Text;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Opens plain and compressed text files (.gz, .zst, .br by ending).</summary>
public static class TextFile
{
    /// <summary>The whole text of a file.</summary>
    /// <exception cref="HaloException">The file is missing, broken or no UTF-8.</exception>
    public static string ReadAll(string path)
    {
        try
        {
            using StreamReader reader = Open(path);
            return reader.ReadToEnd();
        }
        catch (Exception error) when (IsDamage(error))
        {
            throw Damaged(path, error);
        }
    }

    /// <summary>A reader of a file's text.</summary>
    /// <exception cref="HaloException">The file cannot be opened.</exception>
    public static StreamReader Open(string path)
    {
        try
        {
            Stream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
            Stream plain = Path.GetExtension(path).ToLowerInvariant() switch
            {
                ".gz" => new GZipStream(file, CompressionMode.Decompress),
                ".br" => new BrotliStream(file, CompressionMode.Decompress),
                ".zst" => new ZstdSharp.DecompressionStream(file, leaveOpen: false),
                _ => file,
            };
            return new StreamReader(plain, new UTF8Encoding(false, throwOnInvalidBytes: true), true, 1 << 16);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check the path and its permissions", error);
        }
    }

    /// <summary>Whether an error says that a file's content is broken.</summary>
    internal static bool IsDamage(Exception error) =>
        error is InvalidDataException or DecoderFallbackException or EndOfStreamException or ZstdSharp.ZstdException or InvalidOperationException or IOException;

    /// <summary>The error for a file whose content is broken.</summary>
    internal static HaloException Damaged(string path, Exception error) =>
        new($"the file is truncated, damaged or no UTF-8 ({error.Message.TrimEnd('.')})", path, "get the file again", error);
}
