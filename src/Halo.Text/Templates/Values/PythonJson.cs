using System.Globalization;
using System.Numerics;
using System.Text;

namespace Halo.Text.Templates.Values;

/// <summary>Values as Python's <c>json.dumps</c> writes them.</summary>
internal sealed class PythonJson(Budget budget, bool asciiOnly, string? indent, string itemSeparator, string keySeparator, bool sorts)
{
    private readonly StringBuilder _result = new();

    /// <summary>The JSON text of a value.</summary>
    /// <exception cref="TemplateFault">The value is not of JSON's kinds.</exception>
    public string Write(object? value)
    {
        Write(value, 0);
        return _result.ToString();
    }

    private void Write(object? value, int depth)
    {
        Budget.CheckStack();
        budget.Spend();
        int before = _result.Length;
        switch (value)
        {
            case string text:
                Quote(text);
                break;
            case TemplateList { Kind: ListKind.List or ListKind.Tuple } list:
                Block('[', ']', list.Items.Count, depth, place => Write(list.Items[place], depth + 1));
                return;
            case TemplateDictionary dictionary:
                Dictionary(dictionary, depth);
                return;
            default:
                _result.Append(Scalar(value));
                break;
        }

        budget.Grown(before, _result.Length);
    }

    private void Dictionary(TemplateDictionary dictionary, int depth)
    {
        IReadOnlyList<KeyValuePair<object?, object?>> entries = sorts
            ? [.. dictionary.Entries.Order(Comparer<KeyValuePair<object?, object?>>.Create((left, right) => Comparison.Order(left.Key, right.Key, budget)))]
            : dictionary.Entries;
        Block('{', '}', entries.Count, depth, place =>
        {
            Quote(entries[place].Key as string ?? Scalar(entries[place].Key));
            _result.Append(keySeparator);
            Write(entries[place].Value, depth + 1);
        });
    }

    private void Block(char open, char close, int count, int depth, Action<int> write)
    {
        _result.Append(open);
        for (int place = 0; place < count; place++)
        {
            _result.Append(place > 0 ? itemSeparator : "");
            Break(depth + 1);
            write(place);
        }

        if (count > 0)
        {
            Break(depth);
        }

        _result.Append(close);
    }

    private void Break(int depth)
    {
        if (indent is not null)
        {
            budget.Characters((long)indent.Length * depth);
            _result.Append('\n').Insert(_result.Length, indent, depth);
        }
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        BigInteger integer => integer.ToString(CultureInfo.InvariantCulture),
        double number => double.IsFinite(number) ? PythonText.Of(number) : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity",
        _ => throw new TemplateFault($"Object of type {PythonType.Of(value)} is not JSON serializable"),
    };

    private void Quote(string text)
    {
        _result.Append('"');
        foreach (char unit in text)
        {
            switch (unit)
            {
                case '"' or '\\':
                    _result.Append('\\').Append(unit);
                    break;
                case '\n' or '\r' or '\t' or '\b' or '\f':
                    _result.Append('\\').Append("nrtbf"["\n\r\t\b\f".IndexOf(unit)]);
                    break;
                case < ' ':
                case > '~' when asciiOnly:
                    _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
                    break;
                default:
                    _result.Append(unit);
                    break;
            }
        }

        _result.Append('"');
    }
}
