using System.Numerics;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>The functions that every template is given.</summary>
internal static class Functions
{
    // Jinja's sandbox has the same bound.
    private const int LongestRange = 100_000;

    public static IReadOnlyDictionary<string, TemplateFunction> All { get; } = new TemplateFunction[]
    {
        new("range", Range),
        new("dict", Dictionary),
        new("namespace", (rendering, arguments) => new TemplateNamespace(Dictionary(rendering, arguments))),
        new("raise_exception", (rendering, arguments) => throw new TemplateFault(PythonText.Of(arguments.Bind("raise_exception", "message")[0], rendering.Budget))),
        new("strftime_now", (rendering, arguments) => rendering.Budget.Paid(TimeFormat.Of(DateTime.Now, PythonType.Text(arguments.Bind("strftime_now", "format")[0], "the format")))),
    }.ToDictionary(function => function.Name, StringComparer.Ordinal);

    private static TemplateList Range(Rendering rendering, Arguments arguments)
    {
        object?[] given = arguments.Bind("range", "start", "stop?", "step?");
        BigInteger[] numbers = [.. given.Where(value => value is not Missing).Select(value =>
            value is Undefined undefined ? throw undefined.Fault : PythonType.Integer(value) ?? throw new TemplateFault($"range() needs integers, not {PythonType.Of(value)}"))];
        BigInteger start = numbers.Length > 1 ? numbers[0] : 0;
        BigInteger stop = numbers.Length > 1 ? numbers[1] : numbers[0];
        BigInteger step = numbers.Length > 2 ? numbers[2] : 1;
        if (step.IsZero)
        {
            throw new TemplateFault("the step of range() is zero");
        }

        BigInteger count = BigInteger.Max(0, step.Sign > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step);
        if (count > LongestRange)
        {
            throw new TemplateFault($"a range is longer than {LongestRange}");
        }

        rendering.Budget.Elements((long)count);
        return new TemplateList([.. Enumerable.Range(0, (int)count).Select(i => (object?)(start + (step * i)))], ListKind.Range)
        {
            Printed = step.IsOne ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})",
        };
    }

    private static TemplateDictionary Dictionary(Rendering rendering, Arguments arguments)
    {
        var result = new TemplateDictionary();
        object? source = arguments.Positional.Count > 1 ? throw new TemplateFault("dict() takes one argument at most") : arguments.Positional.FirstOrDefault();
        if (source is TemplateDictionary other)
        {
            rendering.Budget.Elements(other.Count);
            foreach ((object? key, object? value) in other.Entries)
            {
                result.Set(key, value);
            }
        }
        else if (arguments.Positional.Count == 1)
        {
            foreach (object? pair in Sequences.Items(source, rendering.Budget))
            {
                IReadOnlyList<object?> sides = Sequences.Items(pair, rendering.Budget);
                result.Set(sides.Count == 2 ? sides[0] : throw new TemplateFault("dict() needs pairs"), sides[1]);
            }
        }

        foreach ((string name, object? value) in arguments.Named)
        {
            result.Set(name, value);
        }

        return result;
    }
}
