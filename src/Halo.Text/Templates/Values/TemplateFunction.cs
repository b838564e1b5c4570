namespace Halo.Text.Templates.Values;

/// <summary>Something that can be called: a method, a function that templates are given, or a macro.</summary>
/// <param name="name">Its name, for messages.</param>
/// <param name="body">What it does.</param>
internal sealed class TemplateFunction(string name, Func<Rendering, Arguments, object?> body)
{
    public string Name => name;

    public object? Invoke(Rendering rendering, Arguments arguments) => body(rendering, arguments);
}
