namespace Halo.Text.Templates.Syntax;

/// <summary>Parses a template into statements.</summary>
internal sealed partial class TemplateParser
{
    private const int DeepestNesting = 200;
    private readonly TokenStream _stream;
    private readonly ExpressionParser _expressions;
    private readonly Stack<HashSet<string>> _macros = new();
    private int _depth;
    private int _loops;

    private TemplateParser(string template)
    {
        _stream = new TokenStream(Lexer.Tokens(template));
        _expressions = new ExpressionParser(_stream)
        {
            OnName = name =>
            {
                foreach (HashSet<string> names in _macros)
                {
                    names.Add(name);
                }
            },
        };
    }

    /// <summary>The statements of a template.</summary>
    /// <exception cref="TemplateFault">It is no valid template.</exception>
    public static IReadOnlyList<Statement> Parse(string template)
    {
        var parser = new TemplateParser(template);
        return parser.Body();
    }

    /// <summary>Statements up to a tag that is one of <paramref name="ends"/>, which is left to be read.</summary>
    private List<Statement> Body(params string[] ends)
    {
        Budget.CheckStack();
        if (++_depth > DeepestNesting)
        {
            throw new TemplateFault($"blocks are nested more than {DeepestNesting} deep", _stream.Current.Line);
        }

        var result = new List<Statement>();
        while (true)
        {
            Token token = _stream.Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    result.Add(new TextStatement(token.Text, token.Line));
                    break;
                case TokenKind.VariableBegin:
                    result.Add(new OutputStatement(_expressions.ParseTuple(), token.Line));
                    _stream.Expect(TokenKind.VariableEnd, "the end of the output");
                    break;
                case TokenKind.BlockBegin:
                    Token name = _stream.Expect(TokenKind.Name, "the name of a tag");
                    if (ends.Contains(name.Text))
                    {
                        _end = name.Text;
                        _depth--;
                        return result;
                    }

                    result.Add(Tag(name, ends));
                    break;
                default:
                    _depth--;
                    return ends.Length == 0 ? result : throw new TemplateFault($"the template ends where {Expected(ends)} is expected", token.Line);
            }
        }
    }

    private string _end = "";

    private static string Expected(string[] ends) => string.Join(" or ", ends.Select(end => $"'{end}'"));

    private Statement Tag(Token name, string[] ends)
    {
        Statement statement = name.Text switch
        {
            "for" => For(name.Line),
            "if" => If(name.Line),
            "set" => Set(name.Line),
            "macro" => new MacroStatement(Macro(_stream.Expect(TokenKind.Name, "the name of the macro").Text, "endmacro"), name.Line),
            "call" => Call(name.Line),
            "filter" => FilterBlock(name.Line),
            "with" => With(name.Line),
            "generation" => new BlockStatement(null, Block("endgeneration"), name.Line),
            "break" or "continue" => _loops > 0 ? new LeaveStatement(name.Text == "break" ? Flow.Break : Flow.Continue, name.Line)
                : throw new TemplateFault($"'{name.Text}' stands outside of a loop", name.Line),
            _ => throw new TemplateFault($"the tag '{name.Text}' is not known{(ends.Length > 0 ? $" here, where {Expected(ends)} is looked for" : "")}", name.Line),
        };
        EndOfTag();
        return statement;
    }

    private void EndOfTag() => _stream.Expect(TokenKind.BlockEnd, "the end of the tag");

    /// <summary>The rest of a tag, and the statements up to <paramref name="end"/>; what follows its name is left to be read.</summary>
    private List<Statement> Block(params string[] end)
    {
        EndOfTag();
        return Body(end);
    }
}
