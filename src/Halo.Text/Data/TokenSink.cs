using System.Runtime.InteropServices;

namespace Halo.Text.Data;

/// <summary>Writes the token file of a <see cref="TokenStore"/> document by document.</summary>
/// <param name="stream">The file, from its beginning.</param>
/// <param name="width">Bytes of an id: 2 or 4.</param>
/// <param name="end">Id that ends documents.</param>
internal sealed class TokenSink(Stream stream, int width, int end)
{
    private bool _open;

    /// <summary>Where each document begins, in tokens.</summary>
    public List<long> Starts { get; } = [];

    /// <summary>Tokens written, end ids included.</summary>
    public long Tokens { get; private set; }

    /// <summary>Adds ids to the document at hand, or begins one.</summary>
    /// <param name="ids">Ids of a piece.</param>
    /// <param name="continues">Whether more of the document follows.</param>
    public void Add(int[] ids, bool continues)
    {
        if (!_open)
        {
            Starts.Add(Tokens);
        }

        Write(ids);
        _open = continues;
        if (!continues)
        {
            Write([end]);
        }
    }

    /// <summary>Moves the tail of the only document to another sink, which gets it as a document.</summary>
    /// <param name="other">An empty sink.</param>
    /// <param name="share">Share of the tokens, 0 to 0.5.</param>
    public void MoveTail(TokenSink other, double share)
    {
        long ids = Tokens - 1;
        if (ids < 2)
        {
            return;
        }

        long kept = ids - Math.Max(1, (long)Math.Round(ids * share));
        Stream.Flush();
        Stream.Position = kept * width;
        Stream.CopyTo(other.Stream);
        other.Starts.Add(0);
        other.Tokens = Tokens - kept;
        Stream.SetLength(kept * width);
        Stream.Position = kept * width;
        Tokens = kept;
        Write([end]);
    }

    private Stream Stream { get; } = stream;

    private void Write(ReadOnlySpan<int> ids)
    {
        Tokens += ids.Length;
        if (width == 4)
        {
            Stream.Write(MemoryMarshal.AsBytes(ids));
            return;
        }

        var narrow = new ushort[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            narrow[i] = (ushort)ids[i];
        }

        Stream.Write(MemoryMarshal.AsBytes<ushort>(narrow));
    }
}
