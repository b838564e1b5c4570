using System.IO.Compression;
using System.Reflection;

namespace Halo.Testing;

/// <summary>Finds the reference files under test/golden; a file that is missing but has a brotli twin (name.br) is unpacked to a temporary folder once.</summary>
public static class Golden
{
    /// <summary>The folder of this checkout; HALO_TEST_GOLDEN names another where the tests run on another machine.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("HALO_TEST_GOLDEN") ?? typeof(Golden).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "GoldenFolder").Value!;

    /// <summary>Folder of the real models (environment variable HALO_TEST_MODELS), or null: tests that need it skip visibly.</summary>
    public static string? RealModels => Environment.GetEnvironmentVariable("HALO_TEST_MODELS");

    public static string Path(string relative)
    {
        string plain = System.IO.Path.Combine(Folder, relative);
        if (File.Exists(plain) || Directory.Exists(plain))
        {
            return plain;
        }

        string packed = plain + ".br";
        if (!File.Exists(packed))
        {
            throw new FileNotFoundException($"neither {plain} nor {packed} exists");
        }

        string unpacked = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"halo-golden-{Environment.ProcessId}", relative);
        if (!File.Exists(unpacked))
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(unpacked)!);
            string partial = unpacked + "." + Guid.NewGuid().ToString("N");
            using (var source = new BrotliStream(File.OpenRead(packed), CompressionMode.Decompress))
            using (var target = File.Create(partial))
            {
                source.CopyTo(target);
            }

            File.Move(partial, unpacked, overwrite: true);
        }

        return unpacked;
    }

    public static IEnumerable<string> Lines(string relative) => File.ReadLines(Path(relative));
}
