using System.Text;

namespace Halo.Text.Templates;

/// <summary>Strings as Python sees them: counted by code point, with Python's idea of white space.</summary>
internal static class PythonCharacters
{
    public static bool IsSpace(char unit) => char.IsWhiteSpace(unit) || unit is >= '\u001c' and <= '\u001f';

    /// <summary>Whether every UTF-16 unit is a code point of its own.</summary>
    public static bool IsPlain(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0;

    public static int Length(string text)
    {
        if (IsPlain(text))
        {
            return text.Length;
        }

        int count = 0;
        for (int i = 0; i < text.Length; i += Size(text, i))
        {
            count++;
        }

        return count;
    }

    /// <summary>The code points, each as a text of its own.</summary>
    public static IEnumerable<string> Each(string text)
    {
        for (int i = 0; i < text.Length;)
        {
            int size = Size(text, i);
            yield return text.Substring(i, size);
            i += size;
        }
    }

    /// <summary>The text from code point <paramref name="start"/> on, <paramref name="count"/> of them.</summary>
    public static string Slice(string text, int start, int count)
    {
        if (IsPlain(text))
        {
            return text.Substring(start, count);
        }

        int from = Place(text, start, 0);
        return text[from..Place(text, count, from)];
    }

    /// <summary>Place in UTF-16 units of the code point <paramref name="count"/> after place <paramref name="from"/>.</summary>
    public static int Place(string text, int count, int from)
    {
        for (; count > 0 && from < text.Length; count--)
        {
            from += Size(text, from);
        }

        return from;
    }

    public static string Strip(string text, string? characters) => StripStart(StripEnd(text, characters), characters);

    public static string StripStart(string text, string? characters = null)
    {
        int start = 0;
        while (start < text.Length && Strips(text, start, Size(text, start), characters))
        {
            start += Size(text, start);
        }

        return text[start..];
    }

    public static string StripEnd(string text, string? characters = null)
    {
        int end = text.Length;
        while (end > 0)
        {
            int size = end > 1 && char.IsSurrogatePair(text[end - 2], text[end - 1]) ? 2 : 1;
            if (!Strips(text, end - size, size, characters))
            {
                break;
            }

            end -= size;
        }

        return text[..end];
    }

    /// <summary>Order by code point, which differs from that of UTF-16 units above U+D800.</summary>
    public static int Compare(string left, string right)
    {
        int length = Math.Min(left.Length, right.Length);
        for (int i = 0; i < length; i++)
        {
            if (left[i] != right[i])
            {
                bool leftHigh = char.IsSurrogate(left[i]);
                return leftHigh != char.IsSurrogate(right[i]) ? (leftHigh ? 1 : -1) : left[i].CompareTo(right[i]);
            }
        }

        return left.Length.CompareTo(right.Length);
    }

    /// <summary>The text changed code point by code point.</summary>
    public static string Map(string text, Func<Rune, int, Rune> change)
    {
        var result = new StringBuilder(text.Length);
        int place = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            result.Append(change(rune, place++).ToString());
        }

        return result.ToString();
    }

    private static int Size(string text, int place) => place + 1 < text.Length && char.IsSurrogatePair(text[place], text[place + 1]) ? 2 : 1;

    private static bool Strips(string text, int place, int size, string? characters) =>
        characters is null ? IsSpace(text[place]) : characters.Contains(text.Substring(place, size), StringComparison.Ordinal);
}
