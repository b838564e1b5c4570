namespace Halo.Text.Templates;

/// <summary>Names set within a loop, a macro or the whole template; those outside are seen, not changed.</summary>
internal sealed class Scope(Scope? parent)
{
    private Dictionary<string, object?>? _values;

    public Scope? Parent => parent;

    public void Set(string name, object? value) => (_values ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;

    public bool TryGet(string name, out object? value)
    {
        value = null;
        return _values is not null && _values.TryGetValue(name, out value);
    }
}
