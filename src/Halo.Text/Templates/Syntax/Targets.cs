using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>What can be assigned to.</summary>
internal abstract class Target
{
    public abstract void Assign(Rendering rendering, object? value);
}

/// <summary>A name.</summary>
internal sealed class NameTarget(string name) : Target
{
    public override void Assign(Rendering rendering, object? value) => rendering.Scope.Set(name, value);
}

/// <summary>An attribute of a namespace.</summary>
internal sealed class NamespaceTarget(string name, string attribute) : Target
{
    public override void Assign(Rendering rendering, object? value)
    {
        var space = rendering.Lookup(name) as TemplateNamespace ?? throw new TemplateFault($"'{name}' is no namespace: its attributes cannot be set");
        space.Attributes.Set(attribute, value);
    }
}

/// <summary>Several names, for the items of one value.</summary>
internal sealed class TupleTarget(IReadOnlyList<Target> targets) : Target
{
    public override void Assign(Rendering rendering, object? value)
    {
        IReadOnlyList<object?> items = Sequences.Items(value is Undefined undefined ? throw undefined.Fault : value, rendering.Budget);
        if (items.Count != targets.Count)
        {
            throw new TemplateFault($"{targets.Count} values are expected, there are {items.Count}");
        }

        for (int i = 0; i < items.Count; i++)
        {
            targets[i].Assign(rendering, items[i]);
        }
    }
}
