using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Token ids of many documents in one memory-mapped file, each document followed by the end id.</summary>
public sealed class TokenStore : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long[] _starts;
    private readonly int _width;

    private TokenStore(string tokens, long[] starts, int width)
    {
        _starts = starts;
        _width = width;
        Count = new FileInfo(tokens).Length / width;
        _map = MemoryMappedFile.CreateFromFile(tokens, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>Number of tokens, end ids included.</summary>
    public long Count { get; }

    /// <summary>Number of documents.</summary>
    public int Documents => _starts.Length;

    /// <summary>Opens the two files that <see cref="TokenCache"/> wrote.</summary>
    /// <exception cref="InvalidDataException">They do not belong together.</exception>
    internal static TokenStore Open(string tokens, int width)
    {
        long[] starts = MemoryMarshal.Cast<byte, long>(File.ReadAllBytes(IndexOf(tokens))).ToArray();
        long bytes = new FileInfo(tokens).Length;
        bool rising = starts.Zip(starts.Skip(1)).All(pair => pair.First < pair.Second);
        if (bytes % width != 0 || starts.Length == 0 || starts[0] != 0 || !rising || starts[^1] >= bytes / width)
        {
            throw new InvalidDataException("the index does not fit the tokens");
        }

        return new TokenStore(tokens, starts, width);
    }

    /// <summary>Name of the index beside a token file.</summary>
    internal static string IndexOf(string tokens) => tokens + ".index";

    /// <summary>Place of a document's first token.</summary>
    public long Start(int document) => _starts[document];

    /// <summary>Place after a document's end id.</summary>
    public long End(int document) => document + 1 < _starts.Length ? _starts[document + 1] : Count;

    /// <summary>The document that the token at <paramref name="position"/> belongs to.</summary>
    public int DocumentAt(long position)
    {
        int found = Array.BinarySearch(_starts, position);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>Copies ids from <paramref name="position"/> on.</summary>
    public unsafe void Read(long position, Span<int> ids)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position + ids.Length, Count);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            byte* first = start + _view.PointerOffset + (position * _width);
            for (int i = 0; i < ids.Length; i++)
            {
                ids[i] = _width == 2 ? ((ushort*)first)[i] : ((int*)first)[i];
            }
        }
        finally
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    /// <summary>The ids of one document, without its end id.</summary>
    public int[] Document(int document)
    {
        var ids = new int[End(document) - Start(document) - 1];
        Read(Start(document), ids);
        return ids;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
