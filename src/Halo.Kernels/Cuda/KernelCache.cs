using System.Security.Cryptography;
using Halo.Core;

namespace Halo.Kernels.Cuda;

/// <summary>Compiled kernels on disk. A file is a mark, the SHA-256 of the rest, and the rest; one that is damaged counts as absent.</summary>
/// <param name="folder">Where; made when it is first needed. What cannot be written is simply not kept.</param>
internal sealed class KernelCache(string folder)
{
    private static readonly byte[] Mark = "HALOCU01"u8.ToArray();

    /// <summary>HALO_KERNEL_CACHE, or halo/kernels in the user's cache folder.</summary>
    public static string DefaultFolder => Environment.GetEnvironmentVariable("HALO_KERNEL_CACHE") is { Length: > 0 } chosen
        ? chosen
        : Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "halo",
            "kernels");

    /// <summary>Where a key's file lies.</summary>
    public string PathOf(string key) => Path.Combine(folder, key + ".bin");

    /// <summary>The bytes kept for a key, or null.</summary>
    public byte[]? Read(string key)
    {
        try
        {
            byte[] file = File.ReadAllBytes(PathOf(key));
            int head = Mark.Length + SHA256.HashSizeInBytes;
            return file.Length > head && file.AsSpan(0, Mark.Length).SequenceEqual(Mark) && SHA256.HashData(file.AsSpan(head)).AsSpan().SequenceEqual(file.AsSpan(Mark.Length, SHA256.HashSizeInBytes))
                ? file[head..]
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps bytes for a key, in place of what was there.</summary>
    /// <returns>False where the folder cannot be written.</returns>
    public bool Write(string key, byte[] image)
    {
        try
        {
            AtomicFile.Write(PathOf(key), stream =>
            {
                stream.Write(Mark);
                stream.Write(SHA256.HashData(image));
                stream.Write(image);
            });
            return true;
        }
        catch (HaloException)
        {
            return false;
        }
    }
}
