using System.Globalization;
using System.Text;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Python's <c>str.format</c> with plain fields: <c>{}</c>, <c>{0}</c>, <c>{name}</c>.</summary>
internal static class BraceFormat
{
    public static string Apply(string format, Arguments arguments, Budget budget)
    {
        var result = new StringBuilder();
        int next = 0;
        for (int i = 0; i < format.Length; i++)
        {
            char unit = format[i];
            if (unit is not ('{' or '}'))
            {
                result.Append(unit);
            }
            else if (i + 1 < format.Length && format[i + 1] == unit)
            {
                result.Append(unit);
                i++;
            }
            else
            {
                int end = unit == '{' ? format.IndexOf('}', i) : -1;
                string field = end < 0 ? throw new TemplateFault("a format holds a single brace") : format[(i + 1)..end];
                string text = PythonText.Of(Value(field, arguments, ref next), budget);
                budget.Grown(result.Length, (long)result.Length + text.Length);
                result.Append(text);
                i = end;
            }
        }

        return budget.Paid(result.ToString());
    }

    private static object? Value(string field, Arguments arguments, ref int next)
    {
        bool isNumber = int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
        if (field.Length == 0 || isNumber)
        {
            int place = isNumber ? number : next++;
            return place < arguments.Positional.Count ? arguments.Positional[place] : throw new TemplateFault("a format has more fields than values");
        }

        foreach ((string name, object? value) in arguments.Named)
        {
            if (name == field)
            {
                return value;
            }
        }

        throw new TemplateFault($"the field '{field}' of a format is not known");
    }
}
