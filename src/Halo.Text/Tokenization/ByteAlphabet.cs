namespace Halo.Text.Tokenization;

/// <summary>The printable characters that stand for bytes in byte-level vocabularies (GPT-2).</summary>
internal static class ByteAlphabet
{
    private static readonly Dictionary<char, byte> Bytes = [];

    static ByteAlphabet()
    {
        var characters = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
            characters[value] = printable ? (char)value : (char)next++;
            Bytes[characters[value]] = (byte)value;
        }

        Characters = characters;
    }

    /// <summary>The character of each byte.</summary>
    public static IReadOnlyList<char> Characters { get; }

    /// <summary>The bytes of a vocabulary entry; the entry's UTF-8 where a character stands for no byte.</summary>
    public static byte[] Decode(string entry)
    {
        var result = new byte[entry.Length];
        for (int i = 0; i < entry.Length; i++)
        {
            if (!Bytes.TryGetValue(entry[i], out result[i]))
            {
                return System.Text.Encoding.UTF8.GetBytes(entry);
            }
        }

        return result;
    }
}
