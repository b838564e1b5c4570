using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation;

/// <summary>
/// Finished requests in a text file, a line each: a hash of the model and the request, the matches, the log-likelihoods. Lines are only added, so that a kill at any moment loses the last one at most;
/// a line that is broken or of another model is as good as none.
/// </summary>
internal sealed class ScoringJournal : IDisposable
{
    private readonly string path;
    private readonly string model;
    private readonly Dictionary<string, ScoredSequence> known = [];
    private StreamWriter? writer;

    /// <summary>Reads what is there and opens the file for more.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">Fingerprint of the model.</param>
    /// <exception cref="HaloException">The file cannot be read or written.</exception>
    public ScoringJournal(string path, string model)
    {
        (this.path, this.model) = (Path.GetFullPath(path), model);
        Guard(() =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(this.path)!);
            bool torn = false;
            if (File.Exists(this.path))
            {
                foreach (string line in File.ReadLines(this.path))
                {
                    Read(line);
                }

                using FileStream end = File.OpenRead(this.path);
                end.Seek(-Math.Min(1, end.Length), SeekOrigin.End);
                torn = end.Length > 0 && end.ReadByte() != '\n';
            }

            writer = new StreamWriter(this.path, append: true);
            writer.Write(torn ? "\n" : "");
        });
    }

    /// <summary>Requests that are known.</summary>
    public int Count => known.Count;

    /// <summary>The name of a request.</summary>
    public string Key(ScoringRequest request, int maximumLength)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{model} {maximumLength} {request.Context.Length} "));
        hash.AppendData(MemoryMarshal.AsBytes(request.Context.AsSpan()));
        hash.AppendData(MemoryMarshal.AsBytes(request.Continuation.AsSpan()));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }

    /// <summary>What was found for a request, or null.</summary>
    public ScoredSequence? Find(string key) => known.GetValueOrDefault(key);

    /// <summary>Keeps requests, on the disk when it returns.</summary>
    public void Add(IEnumerable<(string Key, ScoredSequence Scored)> finished) => Guard(() =>
    {
        foreach ((string key, ScoredSequence scored) in finished)
        {
            if (known.TryAdd(key, scored))
            {
                string values = string.Join(' ', scored.TokenLogLikelihoods.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
                string line = $"{key} {string.Concat(scored.TokenMatches.Select(match => match ? '1' : '0'))} {values}";
                writer!.Write($"{line} {Checksum(line)}\n");
            }
        }

        writer!.Flush();
        ((FileStream)writer.BaseStream).Flush(flushToDisk: true);
    });

    /// <summary>Removes the file.</summary>
    public void Remove() => Guard(() =>
    {
        writer?.Dispose();
        writer = null;
        File.Delete(path);
    });

    /// <inheritdoc/>
    public void Dispose() => writer?.Dispose();

    private static string Checksum(string line) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line)))[..8];

    private void Read(string line)
    {
        int end = line.LastIndexOf(' ');
        if (end < 0 || line[(end + 1)..] != Checksum(line[..end]))
        {
            return;
        }

        string[] parts = line[..end].Split(' ');
        float[] values = [.. parts[2..].Select(part => float.Parse(part, CultureInfo.InvariantCulture))];
        known.TryAdd(parts[0], new ScoredSequence(values, [.. parts[1].Select(match => match == '1')]));
    }

    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"the journal of finished requests cannot be read or written ({error.Message.TrimEnd('.')})", path, "check free space and permissions, or choose another place with --resume", error);
        }
    }
}
