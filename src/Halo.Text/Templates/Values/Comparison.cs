using System.Numerics;

namespace Halo.Text.Templates.Values;

/// <summary>Equality, order and membership, as Python has them.</summary>
internal static class Comparison
{
    public static bool AreEqual(object? left, object? right, Budget budget)
    {
        budget.Spend();
        if (ReferenceEquals(left, right))
        {
            return left is not double number || !double.IsNaN(number);
        }

        switch (left, right)
        {
            case (string one, string other):
                budget.Spend(Math.Min(one.Length, other.Length) / 16);
                return string.Equals(one, other, StringComparison.Ordinal);
            case (BigInteger one, BigInteger other):
                return one == other;
            case (TemplateList one, TemplateList other):
                return one.Kind == other.Kind && one.HasIndex && one.Items.Count == other.Items.Count && ItemsAreEqual(one, other, budget);
            case (TemplateDictionary one, TemplateDictionary other):
                return one.Count == other.Count && EntriesAreEqual(one, other, budget);
            case (Undefined, Undefined):
                return true;
            default:
                return PythonType.Number(left) is { } first && PythonType.Number(right) is { } second && first == second;
        }
    }

    /// <summary>Below zero where <paramref name="left"/> comes first.</summary>
    /// <exception cref="TemplateFault">The two have no order.</exception>
    public static int Order(object? left, object? right, Budget budget)
    {
        budget.Spend();
        switch (left, right)
        {
            case (string one, string other):
                budget.Spend(Math.Min(one.Length, other.Length) / 16);
                return PythonCharacters.Compare(one, other);
            case (TemplateList { HasIndex: true } one, TemplateList { HasIndex: true } other) when one.Kind == other.Kind && one.Kind != ListKind.Range:
                return Order(one.Items, other.Items, budget);
            case (Undefined undefined, _):
                throw undefined.Fault;
            case (_, Undefined undefined):
                throw undefined.Fault;
        }

        if (PythonType.Integer(left) is { } first && PythonType.Integer(right) is { } second)
        {
            return first.CompareTo(second);
        }

        return PythonType.Number(left) is { } number && PythonType.Number(right) is { } limit
            ? number.CompareTo(limit)
            : throw new TemplateFault($"'{PythonType.Of(left)}' and '{PythonType.Of(right)}' have no order");
    }

    /// <summary><c>item in container</c>.</summary>
    public static bool Contains(object? container, object? item, Budget budget)
    {
        switch (container)
        {
            case string text:
                budget.Spend(text.Length / 16);
                return text.Contains(PythonType.Text(item, "what is sought in a string"), StringComparison.Ordinal);
            case TemplateDictionary dictionary:
                return dictionary.TryGet(item, out _);
            case TemplateList list:
                return list.Items.Any(one => AreEqual(one, item, budget));
            case Undefined:
                return false;
            default:
                throw new TemplateFault($"argument of type '{PythonType.Of(container)}' is not iterable");
        }
    }

    private static bool ItemsAreEqual(TemplateList left, TemplateList right, Budget budget)
    {
        Budget.CheckStack();
        for (int i = 0; i < left.Items.Count; i++)
        {
            if (!AreEqual(left.Items[i], right.Items[i], budget))
            {
                return false;
            }
        }

        return true;
    }

    private static bool EntriesAreEqual(TemplateDictionary left, TemplateDictionary right, Budget budget)
    {
        Budget.CheckStack();
        return left.Entries.All(entry => right.TryGet(entry.Key, out object? other) && AreEqual(entry.Value, other, budget));
    }

    private static int Order(IReadOnlyList<object?> left, IReadOnlyList<object?> right, Budget budget)
    {
        Budget.CheckStack();
        for (int i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            if (!AreEqual(left[i], right[i], budget))
            {
                return Order(left[i], right[i], budget);
            }
        }

        return left.Count.CompareTo(right.Count);
    }
}
