using System.Globalization;
using System.Numerics;
using System.Text;

namespace Halo.Text.Templates.Values;

/// <summary>Values as Python prints them.</summary>
internal static class PythonText
{
    private const int DigitsBeforeExponent = 16;

    /// <summary><c>str(value)</c>; an undefined value is the empty text.</summary>
    public static string Of(object? value, Budget budget)
    {
        if (value is string text)
        {
            budget.Spend();
            return text;
        }

        if (value is Undefined)
        {
            return "";
        }

        var result = new StringBuilder();
        Write(result, value, budget);
        return result.ToString();
    }

    /// <summary><c>repr(value)</c>.</summary>
    public static string Quoted(object? value, Budget budget)
    {
        var result = new StringBuilder();
        Write(result, value, budget);
        return result.ToString();
    }

    /// <summary>A floating-point number: the shortest digits that read back as it, with an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Of(double number)
    {
        if (!double.IsFinite(number))
        {
            return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }

        string[] parts = number.ToString("R", CultureInfo.InvariantCulture).TrimStart('-').Split('E');
        string sign = double.IsNegative(number) ? "-" : "";
        string[] sides = parts[0].Split('.');
        string all = sides[0] + (sides.Length > 1 ? sides[1] : "");
        string digits = all.Trim('0');
        if (digits.Length == 0)
        {
            return sign + "0.0";
        }

        int leadingZeros = all.Length - all.TrimStart('0').Length;
        int exponent = (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0) + sides[0].Length - 1 - leadingZeros;
        if (exponent is < -4 or >= DigitsBeforeExponent)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0)
        {
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        }

        string padded = digits.PadRight(exponent + 2, '0');
        return $"{sign}{padded[..(exponent + 1)]}.{padded[(exponent + 1)..]}";
    }

    private static void Write(StringBuilder result, object? value, Budget budget)
    {
        Budget.CheckStack();
        budget.Spend();
        int before = result.Length;
        switch (value)
        {
            case null:
                result.Append("None");
                break;
            case bool flag:
                result.Append(flag ? "True" : "False");
                break;
            case BigInteger integer:
                result.Append(integer.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                result.Append(Of(number));
                break;
            case string text:
                Quote(result, text);
                break;
            case TemplateList list:
                WriteList(result, list, budget);
                return;
            case TemplateDictionary dictionary:
                WriteDictionary(result, dictionary, budget);
                return;
            case TemplateNamespace space:
                result.Append("<Namespace ");
                WriteDictionary(result, space.Attributes, budget);
                result.Append('>');
                break;
            default:
                result.Append(value is Undefined ? "Undefined" : $"<{PythonType.Of(value)}>");
                break;
        }

        budget.Grown(before, result.Length);
    }

    private static void WriteList(StringBuilder result, TemplateList list, Budget budget)
    {
        (string open, string close) = list.Kind switch
        {
            ListKind.List => ("[", "]"),
            ListKind.Tuple => ("(", list.Items.Count == 1 ? ",)" : ")"),
            ListKind.Generator => ("<generator object>", ""),
            ListKind.Range => (list.Printed ?? "range", ""),
            _ => (PythonType.Of(list) + "([", "])"),
        };
        result.Append(open);
        bool first = true;
        foreach (object? item in close.Length > 0 ? list.Items : [])
        {
            result.Append(first ? "" : ", ");
            first = false;
            Write(result, item, budget);
        }

        result.Append(close);
    }

    private static void WriteDictionary(StringBuilder result, TemplateDictionary dictionary, Budget budget)
    {
        result.Append('{');
        bool first = true;
        foreach ((object? key, object? item) in dictionary.Entries)
        {
            result.Append(first ? "" : ", ");
            first = false;
            Write(result, key, budget);
            result.Append(": ");
            Write(result, item, budget);
        }

        result.Append('}');
    }

    private static void Quote(StringBuilder result, string text)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        for (int i = 0; i < text.Length;)
        {
            bool whole = Rune.TryGetRuneAt(text, i, out Rune rune);
            int code = whole ? rune.Value : text[i];
            int size = whole ? rune.Utf16SequenceLength : 1;
            result.Append(code switch
            {
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ when code == quote => $"\\{quote}",
                >= ' ' and < 0x7f => ((char)code).ToString(),
                _ when whole && IsPrintable(rune) => rune.ToString(),
                <= 0xff => $"\\x{code:x2}",
                <= 0xffff => $"\\u{code:x4}",
                _ => $"\\U{code:x8}",
            });
            i += size;
        }

        result.Append(quote);
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
