using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>Parses expressions; Jinja's order of binding, from the loosest: if, or, and, not, comparison, + -, ~, * / // %, **, sign, postfix, filter.</summary>
internal sealed partial class ExpressionParser(TokenStream stream)
{
    private const int DeepestNesting = 200;
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];
    private int _depth;

    /// <summary>Called with every name that is read.</summary>
    public Action<string>? OnName { get; set; }

    public Expression Parse(bool conditional = true)
    {
        Enter();
        Expression result = conditional ? Conditional() : Or();
        _depth--;
        return result;
    }

    /// <summary>One expression, or several with commas between, which are a tuple.</summary>
    public Expression ParseTuple(bool conditional = true, bool parenthesised = false, string? endName = null)
    {
        int line = stream.Current.Line;
        var items = new List<Expression>();
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
            {
                stream.ExpectOperator(",");
            }

            if (stream.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || stream.Current.IsOperator(")") || (endName is not null && stream.Current.IsName(endName)))
            {
                break;
            }

            items.Add(Parse(conditional));
            if (!stream.Current.IsOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        return isTuple || (items.Count == 0 && parenthesised) ? new ListExpression(items, ListKind.Tuple, line)
            : items.Count > 0 ? items[0]
            : throw stream.Unexpected("an expression");
    }

    private void Enter()
    {
        Budget.CheckStack();
        if (++_depth > DeepestNesting)
        {
            throw new TemplateFault($"an expression is nested more than {DeepestNesting} deep", stream.Current.Line);
        }
    }

    private Expression Conditional()
    {
        Expression value = Or();
        while (stream.Current.IsName("if"))
        {
            int line = stream.Next().Line;
            Expression condition = Or();
            value = new ConditionalExpression(condition, value, stream.SkipName("else") ? Parse() : null, line);
        }

        return value;
    }

    private Expression Or()
    {
        Expression left = And();
        while (stream.Current.IsName("or"))
        {
            left = new LogicalExpression(false, left, line: stream.Next().Line, right: And());
        }

        return left;
    }

    private Expression And()
    {
        Expression left = Not();
        while (stream.Current.IsName("and"))
        {
            left = new LogicalExpression(true, left, line: stream.Next().Line, right: Not());
        }

        return left;
    }

    private Expression Not()
    {
        if (!stream.Current.IsName("not"))
        {
            return Comparison();
        }

        Enter();
        int line = stream.Next().Line;
        var result = new NotExpression(Not(), line);
        _depth--;
        return result;
    }

    private Expression Comparison()
    {
        Expression first = Sum();
        int line = stream.Current.Line;
        var others = new List<(string, Expression)>();
        while (true)
        {
            if (stream.Current.Kind == TokenKind.Operator && Comparisons.Contains(stream.Current.Text))
            {
                others.Add((stream.Next().Text, Sum()));
            }
            else if (stream.SkipName("in"))
            {
                others.Add(("in", Sum()));
            }
            else if (stream.Current.IsName("not") && stream.Following.IsName("in"))
            {
                stream.Next();
                stream.Next();
                others.Add(("not in", Sum()));
            }
            else
            {
                return others.Count == 0 ? first : new ComparisonExpression(first, others, line);
            }
        }
    }

    private Expression Sum() => Chain(Concatenation, "+", "-");

    private Expression Concatenation()
    {
        int line = stream.Current.Line;
        var parts = new List<Expression> { Product() };
        while (stream.SkipOperator("~"))
        {
            parts.Add(Product());
        }

        return parts.Count == 1 ? parts[0] : new ConcatenationExpression(parts, line);
    }

    private Expression Product() => Chain(Power, "*", "/", "//", "%");

    private Expression Power() => Chain(() => Unary(true), "**");

    private Expression Chain(Func<Expression> operand, params string[] signs)
    {
        Expression left = operand();
        while (stream.Current.Kind == TokenKind.Operator && signs.Contains(stream.Current.Text))
        {
            Token sign = stream.Next();
            left = new ArithmeticExpression(sign.Text, left, operand(), sign.Line);
        }

        return left;
    }

    private Expression Unary(bool filters)
    {
        Token token = stream.Current;
        Expression result;
        if (token.IsOperator("-") || token.IsOperator("+"))
        {
            Enter();
            stream.Next();
            result = new SignExpression(token.Text == "-", Unary(false), token.Line);
            _depth--;
        }
        else
        {
            result = Primary();
        }

        result = Postfix(result);
        return filters ? FiltersAndTests(result) : result;
    }
}
