using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>
/// Unicode normalization form C (UAX 15) from an own table (Unicode 15), so that tokenization does not depend on the ICU of the machine:
/// without one, .NET leaves text as it is and says nothing.
/// </summary>
internal static class CanonicalComposition
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28;

    private static readonly Dictionary<int, int[]> Decompositions = [];
    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly Dictionary<(int, int), int> Compositions = [];
    private static readonly HashSet<int> Unstable = [];

    // UTF-16 units that an unstable character may have: a quick look tells most texts without.
    private static readonly SearchValues<char> UnstableUnits;

    static CanonicalComposition()
    {
        using Stream packed = typeof(CanonicalComposition).Assembly.GetManifestResourceStream("canonical.txt.br")!;
        using var reader = new StreamReader(new BrotliStream(packed, CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            int code = Hex(parts[1]);
            if (parts[0] == "C")
            {
                Classes[code] = byte.Parse(parts[2], CultureInfo.InvariantCulture);
                Unstable.Add(code);
                continue;
            }

            bool excluded = parts[^1] == "x";
            int[] target = [.. parts[2..(excluded ? ^1 : ^0)].Select(Hex)];
            Decompositions[code] = target;
            if (excluded)
            {
                Unstable.Add(code);
            }
            else
            {
                Compositions[(target[0], target[1])] = code;
                Unstable.Add(target[1]);
            }
        }

        Unstable.UnionWith(Enumerable.Range(VowelBase, VowelCount).Concat(Enumerable.Range(TailBase + 1, TailCount - 1)));
        UnstableUnits = SearchValues.Create([.. Unstable.Where(code => code is >= 0x300 and <= char.MaxValue).Select(code => (char)code), .. Enumerable.Range(0xD800, 0x400).Select(unit => (char)unit)]);
    }

    /// <summary>The text in form C.</summary>
    public static string Normalize(string text) => IsStable(text) ? text : Compose(Decompose(text));

    private static bool IsStable(string text)
    {
        // Nothing below U+0300 changes in form C when it stands among its like.
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02ff') < 0)
        {
            return true;
        }

        if (!text.AsSpan().ContainsAny(UnstableUnits))
        {
            return true;
        }

        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value >= 0x300 && Unstable.Contains(rune.Value))
            {
                return false;
            }
        }

        return true;
    }

    private static List<int> Decompose(string text)
    {
        var result = new List<int>(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, result);
        }

        // Canonical order: a stable sort of each run of marks by class.
        for (int i = 1; i < result.Count; i++)
        {
            byte own = Class(result[i]);
            for (int j = i; own != 0 && j > 0 && Class(result[j - 1]) > own; j--)
            {
                (result[j], result[j - 1]) = (result[j - 1], result[j]);
            }
        }

        return result;
    }

    private static void Decompose(int code, List<int> result)
    {
        int syllable = code - HangulBase;
        if (syllable is >= 0 and < LeadCount * VowelCount * TailCount)
        {
            result.Add(LeadBase + (syllable / (VowelCount * TailCount)));
            result.Add(VowelBase + (syllable % (VowelCount * TailCount) / TailCount));
            if (syllable % TailCount != 0)
            {
                result.Add(TailBase + (syllable % TailCount));
            }
        }
        else if (Decompositions.TryGetValue(code, out int[]? target))
        {
            foreach (int part in target)
            {
                Decompose(part, result);
            }
        }
        else
        {
            result.Add(code);
        }
    }

    private static string Compose(List<int> codes)
    {
        var output = new List<int>(codes.Count);
        int starter = -1;
        byte last = 0;
        foreach (int code in codes)
        {
            byte own = Class(code);
            bool adjacent = starter >= 0 && output.Count == starter + 1;
            if (starter >= 0 && (adjacent || (last < own && last != 0)) && Pair(output[starter], code) is { } composed)
            {
                output[starter] = composed;
                continue;
            }

            if (own == 0)
            {
                starter = output.Count;
            }

            last = own;
            output.Add(code);
        }

        var text = new StringBuilder(output.Count + 16);
        foreach (int code in output)
        {
            text.Append(new Rune(code).ToString());
        }

        return text.ToString();
    }

    private static int? Pair(int first, int second)
    {
        int lead = first - LeadBase;
        int vowel = second - VowelBase;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
        {
            return HangulBase + (((lead * VowelCount) + vowel) * TailCount);
        }

        int syllable = first - HangulBase;
        int tail = second - TailBase;
        if (syllable is >= 0 and < LeadCount * VowelCount * TailCount && syllable % TailCount == 0 && tail is > 0 and < TailCount)
        {
            return first + tail;
        }

        return Compositions.TryGetValue((first, second), out int composed) ? composed : null;
    }

    private static byte Class(int code) => Classes.GetValueOrDefault(code);

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
