using Halo.Text.Templates.Library;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>The arguments of a call as they stand in the template.</summary>
internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Rest, Expression? NamedRest)
{
    public static readonly CallArguments None = new([], [], null, null);

    public Arguments Evaluate(Rendering rendering)
    {
        var positional = new List<object?>();
        foreach (Expression value in Positional)
        {
            positional.Add(value.Evaluate(rendering));
        }

        if (Rest is not null)
        {
            IReadOnlyList<object?> rest = Sequences.Items(Rest.Evaluate(rendering), rendering.Budget);
            rendering.Budget.Elements(rest.Count);
            positional.AddRange(rest);
        }

        var named = new List<KeyValuePair<string, object?>>();
        foreach ((string name, Expression value) in Named)
        {
            named.Add(new(name, value.Evaluate(rendering)));
        }

        if (NamedRest is not null)
        {
            var rest = NamedRest.Evaluate(rendering) as TemplateDictionary ?? throw new TemplateFault("the argument after ** must be a dict");
            rendering.Budget.Elements(rest.Count);
            named.AddRange(rest.Entries.Select(entry => new KeyValuePair<string, object?>(PythonType.Text(entry.Key, "a keyword"), entry.Value)));
        }

        return new Arguments(positional, named);
    }
}

/// <summary><c>function(arguments)</c>.</summary>
internal sealed class CallExpression(Expression function, CallArguments arguments, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => Call(rendering, null);

    /// <summary>Calls, with a further argument <c>caller</c> where a call block gives one.</summary>
    public object? Call(Rendering rendering, TemplateFunction? caller)
    {
        object? called = function.Evaluate(rendering);
        Arguments given = arguments.Evaluate(rendering);
        if (caller is not null)
        {
            given = new Arguments(given.Positional, [.. given.Named, new("caller", caller)]);
        }

        return called switch
        {
            TemplateFunction callable => callable.Invoke(rendering, given),
            LoopContext loop => loop.Recurse(rendering, given),
            Undefined undefined => throw undefined.Fault,
            _ => throw new TemplateFault($"'{PythonType.Of(called)}' object is not callable"),
        };
    }
}

/// <summary><c>value | filter(arguments)</c>; without a value, the text of a block that is still to come.</summary>
internal sealed class FilterExpression(Expression? value, string name, CallArguments arguments, int line) : Expression(line)
{
    /// <summary>The filters of a block applied to its text.</summary>
    public object? Apply(Rendering rendering, object? text)
    {
        object? input = value is FilterExpression inner ? inner.Apply(rendering, text) : value is null ? text : value.Evaluate(rendering);
        return Filters.Apply(name, rendering, input, arguments.Evaluate(rendering));
    }

    protected override object? Compute(Rendering rendering) => Apply(rendering, "");
}

/// <summary><c>value is test(arguments)</c>.</summary>
internal sealed class TestExpression(Expression value, string name, CallArguments arguments, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => Tests.Apply(name, rendering, value.Evaluate(rendering), arguments.Evaluate(rendering));
}
