using System.IO.Compression;
using Halo.Core;
using Halo.Text.Data;
using Encoding = System.Text.Encoding;

namespace Halo.Text.Tests;

/// <summary>A folder that is gone after the test, and files to put there.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("halo-text-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Writes a file, compressed as its ending says.</summary>
    public string Write(string name, string text) => WriteBytes(name, Pack(name, Encoding.UTF8.GetBytes(text)));

    public string WriteBytes(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    /// <summary>Tokenizes a path of this folder into its folder cache.</summary>
    public (TokenStore Training, TokenStore? HeldOut) Open(string name, double heldOut = 0, IRunLog? log = null) =>
        TokenCache.Open(this[name], new ByteTokenizer(), new TokenCacheOptions(heldOut), this["cache"], log ?? NullRunLog.Instance);

    public static byte[] Pack(string name, byte[] plain)
    {
        using var packed = new MemoryStream();
        using (Stream packer = Path.GetExtension(name) switch
        {
            ".gz" => new GZipStream(packed, CompressionMode.Compress, leaveOpen: true),
            ".br" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            ".zst" => Checked(packed),
            _ => new BufferedStream(packed),
        })
        {
            packer.Write(plain);
            packer.Flush();
            return packer is BufferedStream ? packed.ToArray() : Finish(packer, packed);
        }
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static byte[] Finish(Stream packer, MemoryStream packed)
    {
        packer.Dispose();
        return packed.ToArray();
    }

    // With a check sum, as the zstd program writes it.
    private static ZstdSharp.CompressionStream Checked(Stream packed)
    {
        var stream = new ZstdSharp.CompressionStream(packed, leaveOpen: true);
        stream.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return stream;
    }
}
