namespace Halo.Text.Templates.Values;

/// <summary>Stands for an argument that was not given.</summary>
internal sealed class Missing
{
    public static readonly Missing Value = new();

    private Missing()
    {
    }

    /// <summary>The value, or what stands for one that was not given.</summary>
    public static object? Or(object? value, object? other) => value is Missing ? other : value;
}
