using System.Globalization;
using System.Text;

namespace Halo.Text.Templates.Syntax;

/// <summary>The escapes of string literals, as in Python.</summary>
internal static class StringEscapes
{
    /// <summary>What the inside of a literal stands for.</summary>
    public static string Decode(string text, int line)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            char kind = text[++i];
            switch (kind)
            {
                case '\n':
                    break;
                case '\\' or '\'' or '"':
                    result.Append(kind);
                    break;
                case 'x' or 'u' or 'U':
                    int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
                    Append(result, i + 1 + digits <= text.Length ? text.Substring(i + 1, digits) : "", line);
                    i += digits;
                    break;
                case >= '0' and <= '7':
                    int value = 0;
                    int end = Math.Min(text.Length, i + 3);
                    for (; i < end && text[i] is >= '0' and <= '7'; i++)
                    {
                        value = (value * 8) + text[i] - '0';
                    }

                    i--;
                    result.Append((char)value);
                    break;
                case 'N':
                    throw new TemplateFault("\\N in a string is not known", line);
                default:
                    int place = "abfnrtv".IndexOf(kind);
                    result.Append(place < 0 ? $"\\{kind}" : "\a\b\f\n\r\t\v"[place].ToString());
                    break;
            }
        }

        return result.ToString();
    }

    private static void Append(StringBuilder result, string digits, int line)
    {
        if (!int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) || code is < 0 or > 0x10ffff)
        {
            throw new TemplateFault("a string holds a broken \\x, \\u or \\U", line);
        }

        result.Append(code > 0xffff ? char.ConvertFromUtf32(code) : ((char)code).ToString());
    }
}
