using System.Text;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates;

/// <summary>One rendering of a template: its variables, its output so far, and what it may still use.</summary>
internal sealed class Rendering
{
    private StringBuilder _output = new();
    private int _calls;

    public Rendering(IReadOnlyDictionary<string, object?> variables) => Variables = variables;

    public Budget Budget { get; } = new();

    /// <summary>What the caller passed.</summary>
    public IReadOnlyDictionary<string, object?> Variables { get; }

    /// <summary>Where names are set.</summary>
    public Scope Scope { get; set; } = new(null);

    /// <summary>What has been written to the innermost capture.</summary>
    public string Output => _output.ToString();

    public void Write(string text)
    {
        Budget.Grown(_output.Length, (long)_output.Length + text.Length);
        _output.Append(text);
    }

    /// <summary>The value of a name: set by the template, passed by the caller, or given to all templates.</summary>
    public object? Lookup(string name)
    {
        for (Scope? scope = Scope; scope is not null; scope = scope.Parent)
        {
            if (scope.TryGet(name, out object? value))
            {
                return value;
            }
        }

        return Variables.TryGetValue(name, out object? given) ? given : Library.Functions.All.GetValueOrDefault(name) ?? (object)Undefined.Name(name);
    }

    /// <summary>Runs something within a scope of its own.</summary>
    public T Within<T>(Scope scope, Func<T> body)
    {
        Scope before = Scope;
        Scope = scope;
        T result = body();
        Scope = before;
        return result;
    }

    /// <summary>What a body writes, as a text; it runs in a scope of its own.</summary>
    public string Capture(Scope scope, Action body)
    {
        if (++_calls > Budget.Depth)
        {
            throw new TemplateFault($"more than {Budget.Depth} macros or blocks are within each other");
        }

        StringBuilder before = _output;
        _output = new StringBuilder();
        string text = Within(scope, () =>
        {
            body();
            return Output;
        });
        _output = before;
        _calls--;
        return Budget.Paid(text);
    }
}
