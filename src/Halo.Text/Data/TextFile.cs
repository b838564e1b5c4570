using System.IO.Compression;
using System.Text;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Opens plain and compressed text files (.gz, .zst, .br by ending). A compressed file that ends early is an error, not a short text.</summary>
public static class TextFile
{
    /// <summary>The whole text of a file.</summary>
    /// <exception cref="HaloException">The file is missing, broken, truncated, no UTF-8, or longer than <see cref="Corpus.LongestDocument"/> characters.</exception>
    public static string ReadAll(string path)
    {
        using StreamReader reader = Open(path);
        var text = new StringBuilder();
        var buffer = new char[1 << 16];
        while (Guard(path, () => reader.Read(buffer)) is > 0 and int count)
        {
            text.Append(buffer.AsSpan(0, count));
            if (text.Length > Corpus.LongestDocument)
            {
                throw new HaloException($"the text is longer than {Corpus.LongestDocument:N0} characters", path, "split the file");
            }
        }

        return text.ToString();
    }

    /// <summary>A reader of a file's text. What it throws on damage is no <see cref="HaloException"/>.</summary>
    /// <exception cref="HaloException">The file cannot be opened.</exception>
    public static StreamReader Open(string path) =>
        new(OpenBytes(path), new UTF8Encoding(false, throwOnInvalidBytes: true), true, 1 << 16);

    /// <summary>The bytes of a file, decompressed.</summary>
    internal static Stream OpenBytes(string path) => Guard(path, () =>
    {
        Stream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 18);
        string compression = CorpusFormats.Compression(path);
        if (compression.Length > 0 && file.CanSeek && file.Length == 0)
        {
            // The decoders take no bytes for no text; no compressor writes that.
            file.Dispose();
            throw new EndOfStreamException("it is empty");
        }

        return compression switch
        {
            ".gz" => new ICSharpCode.SharpZipLib.GZip.GZipInputStream(file, 1 << 16),
            ".br" => new BrotliInputStream(file),
            ".zst" => new ZstdSharp.DecompressionStream(file, leaveOpen: false),
            _ => file,
        };
    });

    /// <summary>Runs a read and turns every failure of the file into an error that names it.</summary>
    /// <exception cref="HaloException">The file cannot be read, or its content is broken.</exception>
    internal static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException error)
        {
            throw new HaloException("the text is no valid UTF-8", path, "convert it, for example with iconv -t utf-8, or get the file again", error);
        }
        catch (Exception error) when (error is EndOfStreamException or InvalidDataException or ZstdSharp.ZstdException or ICSharpCode.SharpZipLib.SharpZipBaseException or IndexOutOfRangeException)
        {
            throw Damaged(path, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the file cannot be read ({error.Message.TrimEnd('.')})", path, "check the path, its permissions and the disk", error);
        }
    }

    /// <summary>The error for a file whose content is broken.</summary>
    internal static HaloException Damaged(string path, Exception error) =>
        new($"the file is truncated or damaged ({error.Message.Split('\n')[0].TrimEnd('.')})", path, "get the file again", error);
}
