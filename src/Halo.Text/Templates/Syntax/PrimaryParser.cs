using System.Globalization;
using System.Numerics;
using System.Text;
using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary>Literals, names, and what stands behind them.</summary>
internal sealed partial class ExpressionParser
{
    private const int Digits = 4000;

    private Expression Primary()
    {
        Token token = stream.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                stream.Next();
                return Name(token);
            case TokenKind.String:
                var text = new StringBuilder();
                while (stream.Current.Kind == TokenKind.String)
                {
                    text.Append(stream.Next().Text);
                }

                return new ConstantExpression(text.ToString(), token.Line);
            case TokenKind.Integer or TokenKind.Float:
                stream.Next();
                return new ConstantExpression(Number(token), token.Line);
        }

        if (stream.SkipOperator("("))
        {
            Expression inside = ParseTuple(parenthesised: true);
            stream.ExpectOperator(")");
            return inside;
        }

        return token.IsOperator("[") ? List() : token.IsOperator("{") ? Dictionary() : throw stream.Unexpected("an expression");
    }

    private Expression Name(Token token)
    {
        switch (token.Text)
        {
            case "true" or "True":
                return new ConstantExpression(true, token.Line);
            case "false" or "False":
                return new ConstantExpression(false, token.Line);
            case "none" or "None":
                return new ConstantExpression(null, token.Line);
            default:
                OnName?.Invoke(token.Text);
                return new NameExpression(token.Text, token.Line);
        }
    }

    private static object Number(Token token)
    {
        string digits = token.Text.Replace("_", "", StringComparison.Ordinal);
        if (token.Kind == TokenKind.Float)
        {
            return double.Parse(digits, CultureInfo.InvariantCulture);
        }

        if (digits.Length > Digits)
        {
            throw new TemplateFault($"an integer has more than {Digits} digits", token.Line);
        }

        int radix = digits.Length < 2 ? 10 : char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 };
        return radix == 10
            ? BigInteger.Parse(digits, CultureInfo.InvariantCulture)
            : digits[2..].Aggregate(BigInteger.Zero, (sum, digit) => (sum * radix) + int.Parse(digit.ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private ListExpression List()
    {
        int line = stream.Next().Line;
        var items = new List<Expression>();
        while (!stream.Current.IsOperator("]"))
        {
            if (items.Count > 0)
            {
                stream.ExpectOperator(",");
            }

            if (!stream.Current.IsOperator("]"))
            {
                items.Add(Parse());
            }
        }

        stream.Next();
        return new ListExpression(items, ListKind.List, line);
    }

    private DictionaryExpression Dictionary()
    {
        int line = stream.Next().Line;
        var entries = new List<(Expression, Expression)>();
        while (!stream.Current.IsOperator("}"))
        {
            if (entries.Count > 0)
            {
                stream.ExpectOperator(",");
            }

            if (!stream.Current.IsOperator("}"))
            {
                Expression key = Parse();
                stream.ExpectOperator(":");
                entries.Add((key, Parse()));
            }
        }

        stream.Next();
        return new DictionaryExpression(entries, line);
    }

    private Expression Postfix(Expression value)
    {
        while (true)
        {
            Token token = stream.Current;
            if (stream.SkipOperator("."))
            {
                Token name = stream.Next();
                value = name.Kind switch
                {
                    TokenKind.Name => new AttributeExpression(value, name.Text, token.Line),
                    TokenKind.Integer => new ElementExpression(value, new ConstantExpression(Number(name), name.Line), token.Line),
                    _ => throw new TemplateFault($"{name} stands where a name is expected", name.Line),
                };
            }
            else if (stream.SkipOperator("["))
            {
                value = Subscript(value, token.Line);
            }
            else if (token.IsOperator("("))
            {
                value = new CallExpression(value, Arguments(), token.Line);
            }
            else
            {
                return value;
            }
        }
    }

    private Expression Subscript(Expression owner, int line)
    {
        Expression? start = stream.Current.IsOperator(":") ? null : Parse();
        if (start is not null && !stream.Current.IsOperator(":"))
        {
            stream.ExpectOperator("]");
            return new ElementExpression(owner, start, line);
        }

        stream.ExpectOperator(":");
        Expression? stop = stream.Current.IsOperator(":") || stream.Current.IsOperator("]") ? null : Parse();
        Expression? step = stream.SkipOperator(":") && !stream.Current.IsOperator("]") ? Parse() : null;
        stream.ExpectOperator("]");
        return new SliceExpression(owner, start, stop, step, line);
    }
}
