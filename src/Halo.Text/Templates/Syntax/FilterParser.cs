namespace Halo.Text.Templates.Syntax;

/// <summary>Filters, tests and arguments.</summary>
internal sealed partial class ExpressionParser
{
    /// <summary>The filters of a block, of which the first stands without "|" where <paramref name="starts"/> is true; null where there is none.</summary>
    public FilterExpression? ParseFilters(bool starts)
    {
        FilterExpression? result = starts ? Filter(null) : null;
        while (stream.SkipOperator("|"))
        {
            result = Filter(result);
        }

        return result;
    }

    private Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            if (stream.SkipOperator("|"))
            {
                value = Filter(value);
            }
            else if (stream.Current.IsName("is"))
            {
                value = Test(value);
            }
            else if (stream.Current.IsOperator("("))
            {
                value = new CallExpression(value, Arguments(), stream.Current.Line);
            }
            else
            {
                return value;
            }
        }
    }

    private FilterExpression Filter(Expression? value)
    {
        Token name = stream.Expect(TokenKind.Name, "the name of a filter");
        return new FilterExpression(value, name.Text, stream.Current.IsOperator("(") ? Arguments() : CallArguments.None, name.Line);
    }

    private Expression Test(Expression value)
    {
        stream.Next();
        bool negated = stream.SkipName("not");
        Token name = stream.Expect(TokenKind.Name, "the name of a test");
        CallArguments arguments = CallArguments.None;
        Token next = stream.Current;
        if (next.IsOperator("("))
        {
            arguments = Arguments();
        }
        else if (next.IsName("is"))
        {
            throw stream.Unexpected("the end of a test");
        }
        else if (next.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float || next.IsOperator("[") || next.IsOperator("{")
            || (next.Kind == TokenKind.Name && next.Text is not ("else" or "or" or "and" or "if" or "not" or "in" or "recursive")))
        {
            arguments = new CallArguments([Postfix(Primary())], [], null, null);
        }

        Expression test = new TestExpression(value, name.Text, arguments, name.Line);
        return negated ? new NotExpression(test, name.Line) : test;
    }

    private CallArguments Arguments()
    {
        stream.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? rest = null;
        Expression? namedRest = null;
        for (bool first = true; !stream.Current.IsOperator(")"); first = false)
        {
            if (!first)
            {
                stream.ExpectOperator(",");
                if (stream.Current.IsOperator(")"))
                {
                    break;
                }
            }

            if (rest is null && namedRest is null && stream.SkipOperator("*"))
            {
                rest = Parse();
            }
            else if (namedRest is null && stream.SkipOperator("**"))
            {
                namedRest = Parse();
            }
            else if (namedRest is null && stream.Current.Kind == TokenKind.Name && stream.Following.IsOperator("="))
            {
                string name = stream.Next().Text;
                stream.Next();
                named.Add((name, Parse()));
            }
            else if (rest is null && namedRest is null && named.Count == 0)
            {
                positional.Add(Parse());
            }
            else
            {
                throw stream.Unexpected("a named argument");
            }
        }

        stream.Next();
        return new CallArguments(positional, named, rest, namedRest);
    }
}
