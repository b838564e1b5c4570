using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>A literal.</summary>
internal sealed class ConstantExpression(object? value, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => value;
}

/// <summary>A variable.</summary>
internal sealed class NameExpression(string name, int line) : Expression(line)
{
    public string Name => name;

    protected override object? Compute(Rendering rendering) => rendering.Lookup(name);
}

/// <summary><c>owner.name</c>: methods come before keys.</summary>
internal sealed class AttributeExpression(Expression owner, string name, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => Library.Members.Attribute(owner.Evaluate(rendering), name);
}

/// <summary><c>owner[key]</c>: keys come before methods.</summary>
internal sealed class ElementExpression(Expression owner, Expression key, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => Library.Members.Element(owner.Evaluate(rendering), key.Evaluate(rendering));
}

/// <summary><c>owner[start:stop:step]</c>.</summary>
internal sealed class SliceExpression(Expression owner, Expression? start, Expression? stop, Expression? step, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering) => Library.Slices.Of(
        owner.Evaluate(rendering), start?.Evaluate(rendering), stop?.Evaluate(rendering), step?.Evaluate(rendering), rendering.Budget);
}

/// <summary>A list or a tuple.</summary>
internal sealed class ListExpression(IReadOnlyList<Expression> items, ListKind kind, int line) : Expression(line)
{
    public IReadOnlyList<Expression> Items => items;

    public ListKind Kind => kind;

    protected override object? Compute(Rendering rendering) => new TemplateList([.. items.Select(item => item.Evaluate(rendering))], kind);
}

/// <summary><c>{key: value}</c>.</summary>
internal sealed class DictionaryExpression(IReadOnlyList<(Expression Key, Expression Value)> entries, int line) : Expression(line)
{
    protected override object? Compute(Rendering rendering)
    {
        var result = new TemplateDictionary();
        foreach ((Expression key, Expression value) in entries)
        {
            result.Set(key.Evaluate(rendering), value.Evaluate(rendering));
        }

        return result;
    }
}
