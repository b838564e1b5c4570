using System.Globalization;
using System.Numerics;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Filters that give numbers.</summary>
internal static class NumberFilters
{
    private const int Digits = 4000;

    public static object Absolute(object? value) => value is double number ? Math.Abs(number)
        : BigInteger.Abs(PythonType.Integer(value) ?? throw new TemplateFault($"abs needs a number, not {PythonType.Of(value)}"));

    public static object? Integer(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("int", "default?", "base?");
        object? fallback = Missing.Or(given[0], BigInteger.Zero);
        int radix = PythonType.Int(Missing.Or(given[1], new BigInteger(10)), "base");
        return value switch
        {
            Undefined undefined => throw undefined.Fault,
            string text => Parse(text, radix) ?? Truncated(ParseFloat(text)) ?? fallback,
            _ => Truncated(PythonType.Number(value)) is { } whole ? PythonType.Integer(value) ?? whole : fallback,
        };
    }

    public static object? Float(Rendering rendering, object? value, Arguments arguments)
    {
        object? fallback = Missing.Or(arguments.Bind("float", "default?")[0], 0.0);
        return value switch
        {
            Undefined undefined => throw undefined.Fault,
            string text => ParseFloat(text) ?? fallback,
            _ => PythonType.Number(value) ?? fallback,
        };
    }

    public static object? Round(Rendering rendering, object? value, Arguments arguments)
    {
        object?[] given = arguments.Bind("round", "precision?", "method?");
        int precision = PythonType.Int(Missing.Or(given[0], BigInteger.Zero), "precision");
        double number = PythonType.Number(value) ?? throw new TemplateFault($"round needs a number, not {PythonType.Of(value)}");
        if (precision is < -300 or > 300)
        {
            return value;
        }

        double scale = Math.Pow(10, precision);
        return Missing.Or(given[1], "common") switch
        {
            "common" when PythonType.Integer(value) is { } integer && precision >= 0 => integer,
            "common" when precision > 0 && double.IsFinite(number) => double.Parse(number.ToString($"F{precision}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            "common" => Math.Round(number * scale, MidpointRounding.ToEven) / scale,
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw new TemplateFault("method must be common, ceil or floor"),
        };
    }

    private static object? Parse(string text, int radix)
    {
        string digits = PythonCharacters.Strip(text, null).Replace("_", "", StringComparison.Ordinal);
        if (radix == 10)
        {
            return digits.Length <= Digits && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number) ? number : null;
        }

        string plain = radix is 2 or 8 or 16 && digits.Length > 2 && digits[0] == '0' && char.ToLowerInvariant(digits[1]) == (radix == 2 ? 'b' : radix == 8 ? 'o' : 'x') ? digits[2..] : digits;
        BigInteger sum = 0;
        foreach (char digit in plain)
        {
            int value = char.IsAsciiDigit(digit) ? digit - '0' : char.IsAsciiLetter(digit) ? (digit | 0x20) - 'a' + 10 : 99;
            if (value >= radix || plain.Length > Digits)
            {
                return null;
            }

            sum = (sum * radix) + value;
        }

        return plain.Length == 0 ? null : sum;
    }

    private static double? ParseFloat(string text) =>
        double.TryParse(PythonCharacters.Strip(text, null), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number) ? number : null;

    private static object? Truncated(double? number) => number is { } finite && double.IsFinite(finite) ? new BigInteger(finite) : null;
}
