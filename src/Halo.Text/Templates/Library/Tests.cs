using System.Numerics;
using Halo.Text.Templates.Syntax;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>What can stand behind <c>is</c>.</summary>
internal static class Tests
{
    private static readonly Dictionary<string, Func<object?, bool>> Plain = new(StringComparer.Ordinal)
    {
        ["defined"] = value => value is not Undefined,
        ["undefined"] = value => value is Undefined,
        ["none"] = value => value is null,
        ["string"] = value => value is string,
        ["mapping"] = value => value is TemplateDictionary,
        ["sequence"] = value => value is string or TemplateDictionary or TemplateList { HasIndex: true },
        ["iterable"] = Sequences.CanIterate,
        ["number"] = value => PythonType.Number(value) is not null,
        ["integer"] = value => value is BigInteger,
        ["float"] = value => value is double,
        ["boolean"] = value => value is bool,
        ["true"] = value => value is true,
        ["false"] = value => value is false,
        ["callable"] = value => value is TemplateFunction,
        ["odd"] = value => !Integer(value).IsEven,
        ["even"] = value => Integer(value).IsEven,
        ["escaped"] = _ => false,
        ["filter"] = value => value is string name && Filters.Has(name),
        ["test"] = value => value is string name && Has(name),
    };

    private static readonly Dictionary<string, string> Comparisons = new(StringComparer.Ordinal)
    {
        ["eq"] = "==", ["=="] = "==", ["equalto"] = "==", ["ne"] = "!=", ["!="] = "!=", ["in"] = "in",
        ["lt"] = "<", ["<"] = "<", ["lessthan"] = "<", ["le"] = "<=", ["<="] = "<=",
        ["gt"] = ">", [">"] = ">", ["greaterthan"] = ">", ["ge"] = ">=", [">="] = ">=",
    };

    /// <summary>Whether a test holds.</summary>
    /// <exception cref="TemplateFault">There is no such test, or it does not apply.</exception>
    public static bool Apply(string name, Rendering rendering, object? value, Arguments arguments)
    {
        rendering.Budget.Spend();
        if (Plain.TryGetValue(name, out Func<object?, bool>? holds))
        {
            arguments.Bind(name);
            return holds(value);
        }

        if (Comparisons.TryGetValue(name, out string? sign))
        {
            return ComparisonExpression.Holds(sign, value, arguments.Bind(name, "other")[0], rendering.Budget);
        }

        return name switch
        {
            "divisibleby" => Divides(Integer(arguments.Bind(name, "num")[0]), Integer(value)),
            "lower" => StringCases.IsLower(Filters.Text(rendering, value)),
            "upper" => StringCases.IsUpper(Filters.Text(rendering, value)),
            "sameas" => IsSame(value, arguments.Bind(name, "other")[0]),
            _ => throw new TemplateFault($"no test is named '{name}'"),
        };
    }

    private static bool Has(string name) => Plain.ContainsKey(name) || Comparisons.ContainsKey(name) || name is "divisibleby" or "sameas" or "lower" or "upper";

    private static bool Divides(BigInteger divisor, BigInteger value) => divisor.IsZero ? throw new TemplateFault("division by zero") : (value % divisor).IsZero;

    private static bool IsSame(object? left, object? right) => ReferenceEquals(left, right) || (left is bool one && right is bool other && one == other)
        || (left is BigInteger first && right is BigInteger second && first == second);

    private static BigInteger Integer(object? value) => PythonType.Integer(value) ?? throw new TemplateFault($"an integer is expected, not {PythonType.Of(value)}");
}
