using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>The parameters and body of a macro or call block.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Parameters">Names, with the value of those that may be left out.</param>
/// <param name="Body">What it writes.</param>
/// <param name="Uses">Names that the body reads: it takes further arguments only if it reads varargs, kwargs or caller.</param>
internal sealed record MacroDefinition(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body, IReadOnlySet<string> Uses)
{
    /// <summary>The macro as a value, seeing the names of <paramref name="outer"/>.</summary>
    public TemplateFunction Bind(Scope outer) => new(Name, (rendering, arguments) => Call(rendering, arguments, new Scope(outer)));

    private object Call(Rendering rendering, Arguments arguments, Scope scope)
    {
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((string name, object? value) in arguments.Named)
        {
            if (!named.TryAdd(name, value))
            {
                throw new TemplateFault($"macro '{Name}' is given '{name}' twice");
            }
        }

        return rendering.Capture(scope, () =>
        {
            for (int i = 0; i < Parameters.Count; i++)
            {
                (string name, Expression? fallback) = Parameters[i];
                bool isNamed = named.Remove(name, out object? value);
                if (i < arguments.Positional.Count)
                {
                    value = isNamed ? throw new TemplateFault($"macro '{Name}' is given '{name}' twice") : arguments.Positional[i];
                }
                else if (!isNamed)
                {
                    value = fallback is null ? new Undefined($"parameter '{name}' was not provided") : fallback.Evaluate(rendering);
                }

                scope.Set(name, value);
            }

            SetRest(arguments, named, scope);
            Statement.Execute(Body, rendering);
        });
    }

    private void SetRest(Arguments arguments, Dictionary<string, object?> named, Scope scope)
    {
        if (Uses.Contains("caller"))
        {
            scope.Set("caller", named.Remove("caller", out object? caller) ? caller : new Undefined("No caller defined"));
        }

        if (Uses.Contains("varargs"))
        {
            scope.Set("varargs", new TemplateList([.. arguments.Positional.Skip(Parameters.Count)], ListKind.Tuple));
        }
        else if (arguments.Positional.Count > Parameters.Count)
        {
            throw new TemplateFault($"macro '{Name}' takes not more than {Parameters.Count} argument(s)");
        }

        if (Uses.Contains("kwargs"))
        {
            var rest = new TemplateDictionary();
            foreach ((string name, object? value) in named)
            {
                rest.Set(name, value);
            }

            scope.Set("kwargs", rest);
        }
        else if (named.Count > 0)
        {
            throw new TemplateFault($"macro '{Name}' takes no argument '{named.Keys.First()}'");
        }
    }
}

/// <summary><c>{% macro name(parameters) %}body{% endmacro %}</c>.</summary>
internal sealed class MacroStatement(MacroDefinition macro, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        rendering.Scope.Set(macro.Name, macro.Bind(rendering.Scope));
        return Flow.Next;
    }
}

/// <summary><c>{% call macro(arguments) %}body{% endcall %}</c>: the macro may write the body by <c>caller()</c>.</summary>
internal sealed class CallStatement(CallExpression call, MacroDefinition body, int line) : Statement(line)
{
    protected override Flow Run(Rendering rendering)
    {
        rendering.Write(PythonText.Of(call.Call(rendering, body.Bind(rendering.Scope)), rendering.Budget));
        return Flow.Next;
    }
}
