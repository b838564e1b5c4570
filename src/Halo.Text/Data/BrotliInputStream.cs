using System.Buffers;
using System.IO.Compression;

namespace Halo.Text.Data;

/// <summary>Decompresses brotli and, unlike <see cref="BrotliStream"/>, tells an early end and bytes after the end.</summary>
/// <param name="file">The compressed bytes; disposed with this stream.</param>
internal sealed class BrotliInputStream(Stream file) : Stream
{
    private readonly byte[] _input = new byte[1 << 16];
    private BrotliDecoder _decoder;
    private int _start;
    private int _end;
    private bool _done;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (!_done && buffer.Length > 0)
        {
            OperationStatus status = _decoder.Decompress(_input.AsSpan(_start, _end - _start), buffer, out int consumed, out int written);
            _start += consumed;
            if (status == OperationStatus.InvalidData)
            {
                throw new InvalidDataException("its brotli code is invalid");
            }

            if (status == OperationStatus.Done)
            {
                _done = true;
                if (_start < _end || file.ReadByte() >= 0)
                {
                    throw new InvalidDataException("bytes follow the end of the brotli stream");
                }
            }
            else if (status == OperationStatus.NeedMoreData)
            {
                _input.AsSpan(_start, _end - _start).CopyTo(_input);
                (_start, _end) = (0, _end - _start);
                int more = written > 0 ? -1 : file.Read(_input, _end, _input.Length - _end);
                if (more == 0)
                {
                    throw new EndOfStreamException("the brotli stream has no end");
                }

                _end += Math.Max(0, more);
            }

            if (written > 0)
            {
                return written;
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }
}
