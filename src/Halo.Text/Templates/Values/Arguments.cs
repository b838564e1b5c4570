namespace Halo.Text.Templates.Values;

/// <summary>The arguments of a call.</summary>
internal sealed class Arguments(IReadOnlyList<object?> positional, IReadOnlyList<KeyValuePair<string, object?>> named)
{
    public static readonly Arguments None = new([], []);

    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyList<KeyValuePair<string, object?>> Named => named;

    /// <summary>The arguments without the first <paramref name="count"/>.</summary>
    public Arguments Skip(int count) => new([.. positional.Skip(count)], named);

    /// <summary>Puts arguments to parameters; those with "?" behind their name may be missing and are then <see cref="Missing"/>.</summary>
    /// <exception cref="TemplateFault">One is missing, unknown or given twice.</exception>
    public object?[] Bind(string function, params ReadOnlySpan<string> parameters)
    {
        if (positional.Count > parameters.Length)
        {
            throw new TemplateFault($"{function}() takes at most {parameters.Length} arguments, {positional.Count} are given");
        }

        var result = new object?[parameters.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = i < positional.Count ? positional[i] : Missing.Value;
        }

        foreach ((string name, object? value) in named)
        {
            int place = 0;
            while (place < result.Length && parameters[place].TrimEnd('?') != name)
            {
                place++;
            }

            if (place == result.Length || result[place] is not Missing)
            {
                throw new TemplateFault($"{function}() takes no argument '{name}' here");
            }

            result[place] = value;
        }

        for (int i = 0; i < result.Length; i++)
        {
            if (result[i] is Missing && !parameters[i].EndsWith('?'))
            {
                throw new TemplateFault($"{function}() needs the argument '{parameters[i]}'");
            }
        }

        return result;
    }
}
