using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Training.Tests;

public sealed class RunLogTests
{
    private static RunEvent Step(string stage, long step, double loss) => new(DateTime.UnixEpoch, stage, "step", step, new JsonObject { ["loss"] = loss });

    [Fact]
    public void EventsAreLinesAndReachTheDisplay()
    {
        using var scratch = new ScratchFolder();
        var display = new MemoryLog();
        using (var log = new RunLog(new RunFolder(scratch.Path), display))
        {
            log.Event(Step("stage1", 1, 2.5));
            Assert.Single(File.ReadAllLines(Path.Combine(scratch.Path, "events.jsonl")));
            log.Event(Step("stage1", 2, double.NaN));
        }

        Assert.Equal(2, display.Events.Count);
        Assert.Equal("""{"time":"1970-01-01T00:00:00Z","stage":"stage1","kind":"step","step":1,"values":{"loss":2.5}}""", File.ReadAllLines(Path.Combine(scratch.Path, "events.jsonl"))[0]);
    }

    [Fact]
    public void RewindForgetsTheStageBeyondTheStepAndTornLines()
    {
        using var scratch = new ScratchFolder();
        string path = Path.Combine(scratch.Path, "events.jsonl");
        using (var log = new RunLog(new RunFolder(scratch.Path), NullRunLog.Instance))
        {
            log.Event(Step("stage1", 50, 1));
            log.Event(Step("stage2", 1, 1));
            log.Event(Step("stage2", 2, 1));
        }

        File.AppendAllText(path, """{"time":"2026-01-01T00:00""");
        using (var log = new RunLog(new RunFolder(scratch.Path), NullRunLog.Instance))
        {
            Assert.Equal(3, File.ReadAllLines(path).Length);
            log.Rewind("stage2", 1);
            log.Event(Step("stage2", 2, 7));
        }

        string[] lines = File.ReadAllLines(path);
        Assert.Equal(3, lines.Length);
        Assert.Contains("\"loss\":7", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void TensorBoardRecordsAreWellFormed()
    {
        using var scratch = new ScratchFolder();
        using (var log = new RunLog(new RunFolder(scratch.Path), NullRunLog.Instance))
        {
            log.Event(Step("stage2", 300, 1.5));
        }

        List<byte[]> records = Records(scratch.Path, "stage2");
        Assert.Equal(2, records.Count);
        Assert.Contains("brain.Event:2", Encoding.UTF8.GetString(records[0]), StringComparison.Ordinal);
        // wall_time: field 1, double; step: field 2, varint 300 = AC 02; summary: field 5 { value: field 1 { tag: field 1, simple_value: field 2 float } }.
        byte[] tag = Encoding.UTF8.GetBytes("loss");
        byte[] value = [0x0A, (byte)tag.Length, .. tag, 0x15, 0, 0, 0xC0, 0x3F];
        byte[] expected = [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0xAC, 0x02, 0x2A, (byte)(value.Length + 2), 0x0A, (byte)value.Length, .. value];
        Assert.Equal(expected, records[1]);
    }

    [Fact]
    public void TensorBoardForgetsWithTheEvents()
    {
        using var scratch = new ScratchFolder();
        using (var log = new RunLog(new RunFolder(scratch.Path), NullRunLog.Instance))
        {
            log.Event(Step("stage1", 1, 1));
            log.Event(Step("stage2", 1, 1));
            log.Event(Step("stage2", 2, 1));
            log.Rewind("stage2", 1);
            log.Event(new RunEvent(DateTime.UnixEpoch, "stage2", "step", 2, new JsonObject { ["relative_error"] = new JsonArray(0.5, 0.25) }));
        }

        Assert.Equal(2, Records(scratch.Path, "stage1").Count);
        List<byte[]> records = Records(scratch.Path, "stage2");
        Assert.Equal(4, records.Count);
        Assert.Contains("relative_error/1", Encoding.UTF8.GetString(records[3]), StringComparison.Ordinal);
    }

    /// <summary>Reads the records back by the format's description: lengths and checksums.</summary>
    private static List<byte[]> Records(string run, string stage)
    {
        byte[] bytes = File.ReadAllBytes(Directory.GetFiles(Path.Combine(run, "tensorboard", stage), "events.out.tfevents.*").Single());
        var records = new List<byte[]>();
        for (int at = 0; at < bytes.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(TensorBoardWriter.MaskedChecksum(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            records.Add(bytes[(at + 12)..(at + 12 + length)]);
            Assert.Equal(TensorBoardWriter.MaskedChecksum(records[^1]), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            at += length + 16;
        }

        return records;
    }

    /// <summary>CRC-32C of "123456789" is E3069283; masked: rotated right by 15 plus A282EAD8.</summary>
    [Fact]
    public void ChecksumIsTheMaskedCastagnoli()
    {
        const uint Crc = 0xE3069283;
        Assert.Equal(unchecked(((Crc >> 15) | (Crc << 17)) + 0xA282EAD8), TensorBoardWriter.MaskedChecksum("123456789"u8));
    }
}
