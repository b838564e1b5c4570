using System.Globalization;
using System.Text;

namespace Halo.Text.Templates.Library;

/// <summary>Python's <c>strftime</c>, in English.</summary>
internal static class TimeFormat
{
    public static string Of(DateTime time, string format)
    {
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            bool bare = format[i + 1] == '-' && i + 2 < format.Length;
            i += bare ? 2 : 1;
            string field = Field(time, format[i]);
            result.Append(bare ? field.TrimStart('0').PadLeft(1, '0') : field);
        }

        return result.ToString();
    }

    private static string Field(DateTime time, char kind)
    {
        string? pattern = kind switch
        {
            'Y' => "yyyy", 'y' => "yy", 'm' => "MM", 'd' => "dd", 'H' => "HH", 'I' => "hh", 'M' => "mm", 'S' => "ss", 'f' => "ffffff",
            'B' => "MMMM", 'b' or 'h' => "MMM", 'A' => "dddd", 'a' => "ddd", 'p' => "tt", 'F' => "yyyy-MM-dd", 'T' or 'X' => "HH:mm:ss", 'R' => "HH:mm",
            'D' or 'x' => "MM/dd/yy", 'c' => "ddd MMM d HH:mm:ss yyyy",
            _ => null,
        };
        return pattern is not null ? time.ToString(pattern, CultureInfo.InvariantCulture) : kind switch
        {
            '%' => "%",
            'n' => "\n",
            't' => "\t",
            'Z' or 'z' => "",
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(CultureInfo.InvariantCulture),
            _ => throw new TemplateFault($"strftime_now does not know %{kind}"),
        };
    }
}
