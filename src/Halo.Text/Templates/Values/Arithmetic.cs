using System.Numerics;
using System.Text;

namespace Halo.Text.Templates.Values;

/// <summary>Operators between values.</summary>
internal static class Arithmetic
{
    // About as many digits as Python prints.
    private const long Bits = 14_000;

    public static object? Apply(string sign, object? left, object? right, Budget budget)
    {
        if ((left as Undefined ?? right as Undefined) is { } undefined)
        {
            throw undefined.Fault;
        }

        if (sign == "%" && left is string format)
        {
            return PercentFormat.Apply(format, right is TemplateList { Kind: ListKind.Tuple } tuple ? tuple.Items : [right], budget);
        }

        if (PythonType.Integer(left) is { } one && PythonType.Integer(right) is { } other)
        {
            return Integers(sign, one, other, budget);
        }

        if (PythonType.Number(left) is { } first && PythonType.Number(right) is { } second)
        {
            return Floats(sign, first, second);
        }

        return sign switch
        {
            "+" => Sum(left, right, budget),
            "*" when PythonType.Integer(right) is { } count => Repeat(left, count, budget),
            "*" when PythonType.Integer(left) is { } count => Repeat(right, count, budget),
            _ => null,
        } ?? throw new TemplateFault(sign == "+" && left is string
            ? $"can only concatenate str (not \"{PythonType.Of(right)}\") to str"
            : $"'{PythonType.Of(left)}' {sign} '{PythonType.Of(right)}' is not possible");
    }

    public static object Negative(object? value) => value switch
    {
        Undefined undefined => throw undefined.Fault,
        double number => -number,
        _ => -(PythonType.Integer(value) ?? throw new TemplateFault($"'{PythonType.Of(value)}' has no negative")),
    };

    private static object? Sum(object? left, object? right, Budget budget)
    {
        switch (left, right)
        {
            case (string one, string other):
                budget.Characters((long)one.Length + other.Length);
                return one + other;
            case (TemplateList { Kind: ListKind.List or ListKind.Tuple } one, TemplateList other) when one.Kind == other.Kind:
                budget.Elements((long)one.Items.Count + other.Items.Count);
                return new TemplateList([.. one.Items, .. other.Items], one.Kind);
            default:
                return null;
        }
    }

    private static object? Repeat(object? value, BigInteger count, Budget budget)
    {
        long times = (long)BigInteger.Max(0, BigInteger.Min(count, int.MaxValue));
        switch (value)
        {
            case string text:
                budget.Characters(text.Length * times);
                return text.Length == 0 ? "" : new StringBuilder().Insert(0, text, (int)times).ToString();
            case TemplateList { Kind: ListKind.List or ListKind.Tuple } list:
                budget.Elements(list.Items.Count * times);
                return new TemplateList(list.Items.Count == 0 ? [] : [.. Enumerable.Range(0, (int)times).SelectMany(_ => list.Items)], list.Kind);
            default:
                return null;
        }
    }

    private static object Integers(string sign, BigInteger left, BigInteger right, Budget budget)
    {
        budget.Spend((left.GetBitLength() + right.GetBitLength()) / 64);
        switch (sign)
        {
            case "+":
                return Bounded(left + right);
            case "-":
                return Bounded(left - right);
            case "*":
                return Bounded(left * right);
            case "**" when right.Sign >= 0:
                if (!left.IsZero && !left.IsOne && left != BigInteger.MinusOne && (right > Bits || left.GetBitLength() * (long)right > Bits * 2))
                {
                    throw TooLarge();
                }

                return left.IsZero || left.IsOne ? (right.IsZero ? BigInteger.One : left)
                    : left == BigInteger.MinusOne ? (right.IsEven ? BigInteger.One : left)
                    : Bounded(BigInteger.Pow(left, (int)right));
            case "//" or "%":
                (BigInteger quotient, BigInteger rest) = BigInteger.DivRem(left, right.IsZero ? throw DivisionByZero() : right);
                bool wraps = !rest.IsZero && rest.Sign != right.Sign;
                return sign == "%" ? (wraps ? rest + right : rest) : wraps ? quotient - 1 : quotient;
            default:
                return Floats(sign, (double)left, (double)right);
        }
    }

    private static object Floats(string sign, double left, double right)
    {
        if (right == 0 && (sign is "/" or "//" or "%"))
        {
            throw DivisionByZero();
        }

        return sign switch
        {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "**" when left == 0 && right < 0 => throw DivisionByZero(),
            "**" when left < 0 && !double.IsInteger(right) => throw new TemplateFault("a power would be complex"),
            "**" => Math.Pow(left, right),
            _ => Divide(sign, left, right),
        };
    }

    private static double Divide(string sign, double left, double right)
    {
        if (sign == "/")
        {
            return left / right;
        }

        double rest = left % right;
        if (rest != 0 && rest < 0 != right < 0)
        {
            rest += right;
        }

        return sign == "%" ? rest : Math.Round((left - rest) / right);
    }

    private static object Bounded(BigInteger value) => value.GetBitLength() <= Bits ? value : throw TooLarge();

    private static TemplateFault TooLarge() => new("an integer would be too large");

    private static TemplateFault DivisionByZero() => new("division by zero");
}
