namespace Halo.Text.Templates.Syntax;

/// <summary>A part of a template that has a value.</summary>
internal abstract class Expression(int line)
{
    public int Line => line;

    /// <summary>The value.</summary>
    /// <exception cref="TemplateFault">It has none.</exception>
    public object? Evaluate(Rendering rendering)
    {
        try
        {
            Budget.CheckStack();
            rendering.Budget.Spend();
            return Compute(rendering);
        }
        catch (TemplateFault fault) when (fault.Passes(line))
        {
            throw;
        }
    }

    protected abstract object? Compute(Rendering rendering);
}
