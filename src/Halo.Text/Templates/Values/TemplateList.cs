namespace Halo.Text.Templates.Values;

/// <summary>A sequence; never changed once it is made.</summary>
internal sealed class TemplateList(IReadOnlyList<object?> items, ListKind kind = ListKind.List)
{
    public IReadOnlyList<object?> Items => items;

    public ListKind Kind => kind;

    /// <summary>How Python prints it, where that does not follow from the items.</summary>
    public string? Printed { get; init; }

    /// <summary>Whether it has a length: a generator has none.</summary>
    public bool HasLength => kind != ListKind.Generator;

    /// <summary>Whether it can be indexed and sliced.</summary>
    public bool HasIndex => kind is ListKind.List or ListKind.Tuple or ListKind.Range;
}
