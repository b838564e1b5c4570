using System.Numerics;

namespace Halo.Text.Templates.Values;

/// <summary>Names and kinds of Python's types.</summary>
internal static class PythonType
{
    public static string Of(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        string => "str",
        TemplateList list => list.Kind switch
        {
            ListKind.List => "list",
            ListKind.Tuple => "tuple",
            ListKind.Range => "range",
            ListKind.Generator => "generator",
            var view => $"dict_{view.ToString().ToLowerInvariant()}",
        },
        TemplateDictionary => "dict",
        TemplateNamespace => "Namespace",
        LoopContext => "LoopContext",
        TemplateFunction => "function",
        Undefined => "Undefined",
        _ => "object",
    };

    /// <summary>Python's idea of truth.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        BigInteger integer => !integer.IsZero,
        double number => number != 0,
        string text => text.Length > 0,
        TemplateList list => !list.HasLength || list.Items.Count > 0,
        TemplateDictionary dictionary => dictionary.Count > 0,
        _ => true,
    };

    /// <summary>The value as an integer, where Python counts it as one (True is 1).</summary>
    public static BigInteger? Integer(object? value) => value switch
    {
        BigInteger integer => integer,
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };

    /// <summary>The value as a floating-point number, where it is a number.</summary>
    public static double? Number(object? value) => value is double number ? number : (double?)Integer(value);

    /// <summary>An argument that must be an integer; held within the range of int, which no length exceeds.</summary>
    public static int Int(object? value, string what)
    {
        BigInteger integer = value is Undefined undefined ? throw undefined.Fault : Integer(value) ?? throw new TemplateFault($"{what} must be an integer, not {Of(value)}");
        return (int)BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, integer));
    }

    /// <summary>An argument that must be a text.</summary>
    public static string Text(object? value, string what) =>
        value as string ?? throw (value is Undefined undefined ? undefined.Fault : new TemplateFault($"{what} must be a string, not {Of(value)}"));
}
