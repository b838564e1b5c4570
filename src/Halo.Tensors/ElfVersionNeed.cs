using System.Buffers.Binary;
using System.Text;

namespace Halo.Tensors;

/// <summary>
/// Sets the weak flag of one entry of a 64-bit ELF file's version-need table (section type SHT_GNU_verneed).
/// TorchSharp's Linux shim asks for GLIBCXX_3.4.32, whose only symbol there is the marker std::ios_base_library_init that no
/// relocation uses; systems with GCC 12 (Debian 12, Ubuntu 22.04, RHEL 9) lack it and refuse the file unless the need is weak.
/// </summary>
internal static class ElfVersionNeed
{
    private const uint VersionNeedSection = 0x6ffffffe;
    private const ushort WeakFlag = 0x2;

    /// <summary>Makes the need for <paramref name="version"/> weak in place; returns whether the entry was found.</summary>
    /// <exception cref="InvalidDataException">The bytes are no little-endian 64-bit ELF file.</exception>
    public static bool MakeWeak(byte[] file, string version)
    {
        if (file.Length < 64 || file[0] != 0x7f || file[1] != 'E' || file[2] != 'L' || file[3] != 'F' || file[4] != 2 || file[5] != 1)
        {
            throw new InvalidDataException("not a little-endian 64-bit ELF file");
        }

        long sections = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(0x28));
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(0x3a));
        int count = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(0x3c));
        for (int i = 0; i < count; i++)
        {
            int header = checked((int)(sections + ((long)i * entrySize)));
            if (Read32(file, header + 4) != VersionNeedSection)
            {
                continue;
            }

            int strings = SectionOffset(file, sections, entrySize, (int)Read32(file, header + 0x28));
            return MakeWeak(file, SectionOffset(file, sections, entrySize, i), strings, version);
        }

        return false;
    }

    private static bool MakeWeak(byte[] file, int need, int strings, string version)
    {
        while (true)
        {
            int entry = need + (int)Read32(file, need + 8);
            while (true)
            {
                if (Text(file, strings + (int)Read32(file, entry + 8)) == version)
                {
                    ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(entry + 4));
                    BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(entry + 4), (ushort)(flags | WeakFlag));
                    return true;
                }

                uint next = Read32(file, entry + 12);
                if (next == 0)
                {
                    break;
                }

                entry += (int)next;
            }

            uint nextNeed = Read32(file, need + 12);
            if (nextNeed == 0)
            {
                return false;
            }

            need += (int)nextNeed;
        }
    }

    private static int SectionOffset(byte[] file, long sections, int entrySize, int index) =>
        checked((int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(checked((int)(sections + ((long)index * entrySize) + 0x18)))));

    private static uint Read32(byte[] file, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(offset));

    private static string Text(byte[] file, int offset) =>
        Encoding.ASCII.GetString(file, offset, Array.IndexOf(file, (byte)0, offset) - offset);
}
