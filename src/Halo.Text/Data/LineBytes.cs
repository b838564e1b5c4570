using Halo.Core;

namespace Halo.Text.Data;

/// <summary>Hands out the lines of a stream as bytes, without their line feed, each valid until the next is asked for.</summary>
/// <param name="stream">The bytes.</param>
/// <param name="path">Its file, for errors.</param>
internal sealed class LineBytes(Stream stream, string path)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>1-based number of the line last handed out.</summary>
    public long Number { get; private set; }

    /// <summary>Moves to the next line.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="HaloException">The file is broken, or the line longer than a document may be.</exception>
    public bool TryNext(out ReadOnlyMemory<byte> line)
    {
        int searched = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (length >= 0 || _ended)
            {
                bool last = length < 0;
                length = last ? _end - _start : searched + length;
                line = _buffer.AsMemory(_start, length);
                _start += last ? length : length + 1;
                Number++;
                return !last || length > 0;
            }

            searched = _end - _start;
            if (searched > Corpus.LongestDocument)
            {
                throw new HaloException($"the line is longer than {Corpus.LongestDocument:N0} bytes", $"{path}:{Number + 1}", "split the document");
            }

            Fill();
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        int read = TextFile.Guard(path, () => stream.Read(_buffer, _end, _buffer.Length - _end));
        _end += read;
        _ended = read == 0;
    }
}
