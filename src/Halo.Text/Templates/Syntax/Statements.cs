using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>Text between tags.</summary>
internal sealed class TextStatement(string text, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        rendering.Write(text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed class OutputStatement(Expression value, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        rendering.Write(PythonText.Of(value.Evaluate(rendering), rendering.Budget));
        return Flow.Next;
    }
}

/// <summary><c>{% if %}</c> with its further branches; the last may have no condition.</summary>
internal sealed class IfStatement(IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> branches, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        foreach ((Expression? condition, IReadOnlyList<Statement> body) in branches)
        {
            if (condition is null || PythonType.IsTrue(condition.Evaluate(rendering)))
            {
                return Execute(body, rendering);
            }
        }

        return Flow.Next;
    }
}

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class SetStatement(Target target, Expression value, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        target.Assign(rendering, value.Evaluate(rendering));
        return Flow.Next;
    }
}

/// <summary><c>{% set target | filters %}body{% endset %}</c>.</summary>
internal sealed class SetBlockStatement(Target target, FilterExpression? filter, IReadOnlyList<Statement> body, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        string text = rendering.Capture(new Scope(rendering.Scope), () => Execute(body, rendering));
        target.Assign(rendering, filter is null ? text : filter.Apply(rendering, text));
        return Flow.Next;
    }
}

/// <summary><c>{% filter f %}body{% endfilter %}</c>, and with no filter <c>{% generation %}</c>.</summary>
internal sealed class BlockStatement(FilterExpression? filter, IReadOnlyList<Statement> body, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        string text = rendering.Capture(new Scope(rendering.Scope), () => Execute(body, rendering));
        rendering.Write(filter is null ? text : PythonText.Of(filter.Apply(rendering, text), rendering.Budget));
        return Flow.Next;
    }
}

/// <summary><c>{% with a = 1 %}body{% endwith %}</c>.</summary>
internal sealed class WithStatement(IReadOnlyList<(Target Target, Expression Value)> values, IReadOnlyList<Statement> body, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        object?[] evaluated = [.. values.Select(one => one.Value.Evaluate(rendering))];
        return rendering.Within(new Scope(rendering.Scope), () =>
        {
            for (int i = 0; i < evaluated.Length; i++)
            {
                values[i].Target.Assign(rendering, evaluated[i]);
            }

            return Execute(body, rendering);
        });
    }
}

/// <summary><c>{% break %}</c> and <c>{% continue %}</c>.</summary>
internal sealed class LeaveStatement(Flow flow, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering) => flow;
}
