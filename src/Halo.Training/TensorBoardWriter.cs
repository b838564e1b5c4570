using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Halo.Training;

/// <summary>Writes scalars as a TensorBoard event file: records of length, masked CRC-32C, protocol-buffer Event, masked CRC-32C.</summary>
internal sealed class TensorBoardWriter : IDisposable
{
    private readonly FileStream _file;

    /// <summary>Opens a new event file in a folder; TensorBoard joins the files of one folder.</summary>
    /// <param name="folder">The folder, made when missing.</param>
    public TensorBoardWriter(string folder)
    {
        Directory.CreateDirectory(folder);
        double now = Seconds(DateTime.UtcNow);
        string name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{(long)now}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        _file = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        var version = new MemoryStream();
        Double(version, 1, now);
        Bytes(version, 3, Encoding.UTF8.GetBytes("brain.Event:2"));
        Record(version);
    }

    /// <summary>Adds a scalar.</summary>
    /// <param name="tag">Its name, for example <c>loss</c>.</param>
    /// <param name="value">Its value.</param>
    /// <param name="step">Step.</param>
    /// <param name="time">When, UTC.</param>
    public void Scalar(string tag, double value, long step, DateTime time)
    {
        var figure = new MemoryStream();
        Bytes(figure, 1, Encoding.UTF8.GetBytes(tag));
        Tag(figure, 2, 5);
        Span<byte> single = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(single, (float)value);
        figure.Write(single);
        var summary = new MemoryStream();
        Bytes(summary, 1, figure.ToArray());
        var entry = new MemoryStream();
        Double(entry, 1, Seconds(time));
        Tag(entry, 2, 0);
        Varint(entry, (ulong)step);
        Bytes(entry, 5, summary.ToArray());
        Record(entry);
    }

    /// <summary>Hands everything written to the operating system.</summary>
    public void Flush() => _file.Flush();

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>CRC-32C rotated and shifted, as the record format asks.</summary>
    internal static uint MaskedChecksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        crc = ~crc;
        return unchecked(BitOperations.RotateRight(crc, 15) + 0xa282ead8u);
    }

    private static double Seconds(DateTime time) => (time - DateTime.UnixEpoch).TotalSeconds;

    private static void Tag(MemoryStream stream, int field, int wireType) => Varint(stream, (ulong)((field << 3) | wireType));

    private static void Varint(MemoryStream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            stream.WriteByte((byte)(value | 0x80));
        }

        stream.WriteByte((byte)value);
    }

    private static void Double(MemoryStream stream, int field, double value)
    {
        Tag(stream, field, 1);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void Bytes(MemoryStream stream, int field, byte[] value)
    {
        Tag(stream, field, 2);
        Varint(stream, (ulong)value.Length);
        stream.Write(value);
    }

    private void Record(MemoryStream data)
    {
        byte[] payload = data.ToArray();
        byte[] record = new byte[8 + 4 + payload.Length + 4];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        payload.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + payload.Length), MaskedChecksum(payload));
        _file.Write(record);
    }
}
