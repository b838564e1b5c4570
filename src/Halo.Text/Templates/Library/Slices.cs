using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary><c>value[start:stop:step]</c>, as Python cuts.</summary>
internal static class Slices
{
    public static object? Of(object? owner, object? start, object? stop, object? step, Budget budget)
    {
        if (owner is Undefined undefined)
        {
            throw undefined.Fault;
        }

        int stride = step is null ? 1 : PythonType.Int(step, "the step of a slice");
        if (stride == 0)
        {
            throw new TemplateFault("the step of a slice is zero");
        }

        if (owner is string text && stride == 1)
        {
            (int from, int count) = Bounds(start, stop, 1, PythonCharacters.Length(text));
            return budget.Paid(PythonCharacters.Slice(text, from, count));
        }

        if (owner is not (string or TemplateList { HasIndex: true }))
        {
            throw new TemplateFault($"'{PythonType.Of(owner)}' object cannot be sliced");
        }

        IReadOnlyList<object?> items = Sequences.Items(owner, budget);
        (int first, int length) = Bounds(start, stop, stride, items.Count);
        budget.Elements(length);
        IEnumerable<object?> chosen = Enumerable.Range(0, length).Select(i => items[(int)(first + ((long)i * stride))]);
        return owner is TemplateList list ? new TemplateList([.. chosen], list.Kind == ListKind.Range ? ListKind.List : list.Kind) : string.Concat(chosen);
    }

    /// <summary>First place and number of places.</summary>
    private static (int First, int Count) Bounds(object? start, object? stop, int step, int length)
    {
        long lowest = step > 0 ? 0 : -1;
        long highest = step > 0 ? length : length - 1;
        long first = Place(start, step > 0 ? lowest : highest, lowest, highest, length);
        long end = Place(stop, step > 0 ? highest : lowest, lowest, highest, length);
        long count = step > 0 ? (end - first + step - 1) / step : (first - end - step - 1) / -(long)step;
        return ((int)first, (int)Math.Max(0, count));
    }

    private static long Place(object? bound, long missing, long lowest, long highest, int length)
    {
        if (bound is null)
        {
            return missing;
        }

        long place = PythonType.Int(bound, "the bound of a slice");
        return Math.Clamp(place < 0 ? place + length : place, lowest, highest);
    }
}
