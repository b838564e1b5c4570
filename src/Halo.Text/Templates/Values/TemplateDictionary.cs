namespace Halo.Text.Templates.Values;

/// <summary>A dictionary that keeps the order of its keys; keys that Python counts as equal (1, 1.0, True) are one.</summary>
internal sealed class TemplateDictionary
{
    private readonly Dictionary<object, int> _places = [];
    private readonly List<KeyValuePair<object?, object?>> _entries = [];

    public int Count => _entries.Count;

    public IReadOnlyList<KeyValuePair<object?, object?>> Entries => _entries;

    public void Set(object? key, object? value)
    {
        object place = TemplateKey.Of(key);
        if (_places.TryGetValue(place, out int index))
        {
            _entries[index] = new(_entries[index].Key, value);
        }
        else
        {
            _places[place] = _entries.Count;
            _entries.Add(new(key, value));
        }
    }

    public bool TryGet(object? key, out object? value)
    {
        bool found = _places.TryGetValue(TemplateKey.Of(key), out int index);
        value = found ? _entries[index].Value : null;
        return found;
    }
}
