using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary><c>left + right</c> and the like.</summary>
internal sealed class ArithmeticExpression(string sign, Expression left, Expression right, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => Arithmetic.Apply(sign, left.Evaluate(rendering), right.Evaluate(rendering), rendering.Budget);
}

/// <summary><c>-value</c>, <c>+value</c>.</summary>
internal sealed class SignExpression(bool negative, Expression value, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering)
    {
        object negated = Arithmetic.Negative(value.Evaluate(rendering));
        return negative ? negated : Arithmetic.Negative(negated);
    }
}

/// <summary><c>a ~ b ~ c</c>.</summary>
internal sealed class ConcatenationExpression(IReadOnlyList<Expression> parts, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering)
    {
        string[] texts = [.. parts.Select(part => PythonText.Of(part.Evaluate(rendering), rendering.Budget))];
        rendering.Budget.Characters(texts.Sum(text => (long)text.Length));
        return string.Concat(texts);
    }
}

/// <summary><c>a &lt; b in c</c>: each neighbour is compared, until one comparison fails.</summary>
internal sealed class ComparisonExpression(Expression first, IReadOnlyList<(string Sign, Expression Value)> others, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering)
    {
        object? left = first.Evaluate(rendering);
        foreach ((string sign, Expression value) in others)
        {
            object? right = value.Evaluate(rendering);
            if (!Holds(sign, left, right, rendering.Budget))
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    public static bool Holds(string sign, object? left, object? right, Budget budget) => sign switch
    {
        "==" => Comparison.AreEqual(left, right, budget),
        "!=" => !Comparison.AreEqual(left, right, budget),
        "in" => Comparison.Contains(right, left, budget),
        "not in" => !Comparison.Contains(right, left, budget),
        "<" => Comparison.Order(left, right, budget) < 0,
        "<=" => Comparison.Order(left, right, budget) <= 0,
        ">" => Comparison.Order(left, right, budget) > 0,
        _ => Comparison.Order(left, right, budget) >= 0,
    };
}

/// <summary><c>left and right</c>, <c>left or right</c>: the operand that decides.</summary>
internal sealed class LogicalExpression(bool isAnd, Expression left, Expression right, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering)
    {
        object? value = left.Evaluate(rendering);
        return PythonType.IsTrue(value) == isAnd ? right.Evaluate(rendering) : value;
    }
}

/// <summary><c>not value</c>.</summary>
internal sealed class NotExpression(Expression value, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => !PythonType.IsTrue(value.Evaluate(rendering));
}

/// <summary><c>value if condition else other</c>.</summary>
internal sealed class ConditionalExpression(Expression condition, Expression value, Expression? other, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) =>
        PythonType.IsTrue(condition.Evaluate(rendering)) ? value.Evaluate(rendering)
        : other is null ? new Undefined("an inline if without else was not true")
        : other.Evaluate(rendering);
}
