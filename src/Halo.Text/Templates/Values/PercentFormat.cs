using System.Globalization;
using System.Numerics;
using System.Text;

namespace Halo.Text.Templates.Values;

/// <summary>Python's <c>format % values</c>: %s, %r, %d, %i, %f, %x and %%, with flags, width and precision.</summary>
internal static class PercentFormat
{
    public static string Apply(string format, IReadOnlyList<object?> values, Budget budget)
    {
        var result = new StringBuilder();
        int used = 0;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            i++;
            int start = i;
            while (i < format.Length && "-+ 0#".Contains(format[i]))
            {
                i++;
            }

            string flags = format[start..i];
            int width = Number(format, ref i);
            int precision = -1;
            if (i < format.Length && format[i] == '.')
            {
                i++;
                precision = Number(format, ref i);
            }

            char kind = i < format.Length ? format[i] : throw new TemplateFault("a format ends within a field");
            if (kind == '%')
            {
                result.Append('%');
                continue;
            }

            budget.Characters((long)width + Math.Max(0, precision) + result.Length);
            object? value = used < values.Count ? values[used++] : throw new TemplateFault("a format has more fields than values");
            string text = One(kind, value, flags, precision, budget);
            result.Append(Pad(text, width, flags, kind));
        }

        return used == values.Count ? budget.Paid(result.ToString()) : throw new TemplateFault("a format has fewer fields than values");
    }

    private static string One(char kind, object? value, string flags, int precision, Budget budget)
    {
        if (kind is 's' or 'r')
        {
            string text = kind == 's' ? PythonText.Of(value, budget) : PythonText.Quoted(value, budget);
            return precision >= 0 && precision < PythonCharacters.Length(text) ? PythonCharacters.Slice(text, 0, precision) : text;
        }

        double number = PythonType.Number(value) ?? throw new TemplateFault($"%{kind} needs a number, not {PythonType.Of(value)}");
        string digits = kind switch
        {
            'd' or 'i' => (PythonType.Integer(value) ?? (double.IsFinite(number) ? new BigInteger(number) : throw new TemplateFault("%d needs a finite number"))).ToString(CultureInfo.InvariantCulture),
            'x' when PythonType.Integer(value) is { } integer && integer >= 0 => integer.ToString("x", CultureInfo.InvariantCulture).TrimStart('0') is { Length: > 0 } hex ? hex : "0",
            'f' when precision <= 100 => number.ToString("F" + (precision < 0 ? 6 : precision).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            _ => throw new TemplateFault($"the format %{kind} is not known"),
        };
        return digits.StartsWith('-') ? digits : flags.Contains('+') ? "+" + digits : flags.Contains(' ') ? " " + digits : digits;
    }

    private static string Pad(string text, int width, string flags, char kind)
    {
        int room = width - PythonCharacters.Length(text);
        if (room <= 0)
        {
            return text;
        }

        if (flags.Contains('-'))
        {
            return text + new string(' ', room);
        }

        int sign = text is ['-' or '+', ..] ? 1 : 0;
        return flags.Contains('0') && kind is not ('s' or 'r') ? text[..sign] + new string('0', room) + text[sign..] : new string(' ', room) + text;
    }

    private static int Number(string format, ref int place)
    {
        int start = place;
        while (place < format.Length && char.IsAsciiDigit(format[place]))
        {
            place++;
        }

        return place == start ? 0
            : int.TryParse(format.AsSpan(start, place - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= Budget.Length ? number
            : throw new TemplateFault("a width in a format is too large");
    }
}
