namespace Halo.Text.Templates.Syntax;

/// <summary>The tags, each read up to the end of its closing tag.</summary>
internal sealed partial class TemplateParser
{
    private ForStatement For(int line)
    {
        Target target = ParseTarget("in");
        if (!_stream.SkipName("in"))
        {
            throw _stream.Unexpected("'in'");
        }

        Expression values = _expressions.ParseTuple(conditional: false, endName: "recursive");
        Expression? condition = _stream.SkipName("if") ? _expressions.Parse() : null;
        bool recursive = _stream.SkipName("recursive");
        _loops++;
        List<Statement> body = Block("endfor", "else");
        _loops--;
        List<Statement> otherwise = _end == "else" ? Block("endfor") : [];
        return new ForStatement(target, values, condition, recursive, body, otherwise, line);
    }

    private IfStatement If(int line)
    {
        var branches = new List<(Expression?, IReadOnlyList<Statement>)>();
        do
        {
            Expression condition = _expressions.ParseTuple(conditional: false);
            branches.Add((condition, Block("elif", "else", "endif")));
        }
        while (_end == "elif");

        if (_end == "else")
        {
            branches.Add((null, Block("endif")));
        }

        return new IfStatement(branches, line);
    }

    private Statement Set(int line)
    {
        Target target = ParseTarget(null);
        if (_stream.SkipOperator("="))
        {
            return new SetStatement(target, _expressions.ParseTuple(), line);
        }

        FilterExpression? filter = _expressions.ParseFilters(starts: false);
        return new SetBlockStatement(target, filter, Block("endset"), line);
    }

    private MacroDefinition Macro(string name, string end)
    {
        var parameters = _stream.Current.IsOperator("(") ? Parameters() : [];
        return MacroBody(name, parameters, end);
    }

    private MacroDefinition MacroBody(string name, List<(string, Expression?)> parameters, string end)
    {
        var uses = new HashSet<string>(StringComparer.Ordinal);
        int loops = _loops;
        _loops = 0;
        _macros.Push(uses);
        List<Statement> body = Block(end);
        _macros.Pop();
        _loops = loops;
        return new MacroDefinition(name, parameters, body, uses);
    }

    private List<(string, Expression?)> Parameters()
    {
        var result = new List<(string, Expression?)>();
        _stream.ExpectOperator("(");
        while (!_stream.Current.IsOperator(")"))
        {
            if (result.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            string name = ParseName().Text;
            Expression? fallback = _stream.SkipOperator("=") ? _expressions.Parse() : null;
            if (fallback is null && result.Any(one => one.Item2 is not null))
            {
                throw new TemplateFault($"the parameter '{name}' without default follows one with a default", _stream.Current.Line);
            }

            result.Add((name, fallback));
        }

        _stream.Next();
        return result;
    }

    private CallStatement Call(int line)
    {
        List<(string, Expression?)> parameters = _stream.Current.IsOperator("(") ? Parameters() : [];
        var call = _expressions.Parse() as CallExpression ?? throw _stream.Unexpected("a call");
        return new CallStatement(call, MacroBody("caller", parameters, "endcall"), line);
    }

    private BlockStatement FilterBlock(int line)
    {
        FilterExpression? filter = _expressions.ParseFilters(starts: true);
        return new BlockStatement(filter, Block("endfilter"), line);
    }

    private WithStatement With(int line)
    {
        var values = new List<(Target, Expression)>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            Target target = new NameTarget(ParseName().Text);
            _stream.ExpectOperator("=");
            values.Add((target, _expressions.Parse()));
        }

        return new WithStatement(values, Block("endwith"), line);
    }

    private Target ParseTarget(string? end)
    {
        var targets = new List<Target>();
        bool isTuple = false;
        bool open = _stream.SkipOperator("(");
        while (targets.Count == 0 || (_stream.SkipOperator(",") && (isTuple = true)))
        {
            if (isTuple && (_stream.Current.IsOperator("=") || _stream.Current.IsOperator(")") || (end is not null && _stream.Current.IsName(end))))
            {
                break;
            }

            string name = ParseName().Text;
            targets.Add(end is null && _stream.SkipOperator(".")
                ? new NamespaceTarget(name, _stream.Expect(TokenKind.Name, "the name of an attribute").Text)
                : new NameTarget(name));
        }

        if (open)
        {
            _stream.ExpectOperator(")");
        }

        return isTuple ? new TupleTarget(targets) : targets[0];
    }

    private Token ParseName()
    {
        Token name = _stream.Expect(TokenKind.Name, "a name");
        return name.Text is "true" or "false" or "none" or "True" or "False" or "None" or "not" or "and" or "or" or "is" or "in" or "if" or "else"
            ? throw new TemplateFault($"'{name.Text}' cannot be set", name.Line)
            : name;
    }
}
