namespace Halo.Text.Templates.Values;

/// <summary>What a name or attribute that does not exist gives: prints nothing, is false and empty, and is an error in all else.</summary>
/// <param name="what">What to say then.</param>
internal sealed class Undefined(string what)
{
    public TemplateFault Fault => new(what);

    public static Undefined Name(string name) => new($"'{name}' is undefined");

    public static Undefined Attribute(object? owner, object? name) => name is string text
        ? new($"'{Describe(owner)}' has no attribute '{text}'")
        : new($"{Describe(owner)} has no such element");

    private static string Describe(object? owner) => owner is null ? "None" : $"{PythonType.Of(owner)} object";
}
