namespace Halo.Text.Templates.Syntax;

/// <summary>A part of a template that writes or sets.</summary>
internal abstract class Statement(int line)
{
    public int Line => line;

    /// <summary>Runs it.</summary>
    public Flow Execute(Rendering rendering)
    {
        try
        {
            Budget.CheckStack();
            rendering.Budget.Spend();
            return Run(rendering);
        }
        catch (TemplateFault fault) when (fault.Passes(line))
        {
            throw;
        }
    }

    /// <summary>Runs one after another, until one leaves the loop or its turn.</summary>
    public static Flow Execute(IReadOnlyList<Statement> body, Rendering rendering)
    {
        foreach (Statement statement in body)
        {
            Flow flow = statement.Execute(rendering);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    protected abstract Flow Run(Rendering rendering);
}
