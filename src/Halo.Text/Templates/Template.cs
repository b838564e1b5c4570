using Halo.Text.Templates.Syntax;

namespace Halo.Text.Templates;

/// <summary>A parsed Jinja template, in the dialect of chat templates; safe for many threads.</summary>
internal sealed class Template
{
    private readonly IReadOnlyList<Statement> _statements;

    private Template(IReadOnlyList<Statement> statements) => _statements = statements;

    /// <summary>Parses a template.</summary>
    /// <exception cref="TemplateFault">It is not valid.</exception>
    public static Template Parse(string source)
    {
        if (source.Length > Budget.Length)
        {
            throw new TemplateFault($"the template is longer than {Budget.Length} characters", 1);
        }

        return new Template(TemplateParser.Parse(source));
    }

    /// <summary>The text that the template makes of variables.</summary>
    /// <exception cref="TemplateFault">The template fails, or takes more than its <see cref="Budget"/>.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables)
    {
        var rendering = new Rendering(variables);
        Statement.Execute(_statements, rendering);
        return rendering.Output;
    }
}
