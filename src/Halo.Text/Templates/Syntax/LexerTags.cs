using System.Text.RegularExpressions;

namespace Halo.Text.Templates.Syntax;

/// <summary>The inside of tags.</summary>
internal sealed partial class Lexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private void Tag(bool block)
    {
        string close = block ? "%}" : "}}";
        var brackets = new Stack<char>();
        while (true)
        {
            while (_position < _source.Length && PythonCharacters.IsSpace(_source[_position]))
            {
                _position++;
            }

            if (_position >= _source.Length)
            {
                throw new TemplateFault("a tag has no end", LineAt(_position));
            }

            char sign = _source[_position] is '-' or '+' ? _source[_position] : '\0';
            bool signs = sign == '-' || (sign == '+' && block);
            if (brackets.Count == 0 && string.CompareOrdinal(_source, _position + (signs ? 1 : 0), close, 0, 2) == 0)
            {
                Add(block ? TokenKind.BlockEnd : TokenKind.VariableEnd, close, _position);
                _position += signs ? 3 : 2;
                AfterTag(sign, block);
                return;
            }

            Token(brackets);
        }
    }

    private void Token(Stack<char> brackets)
    {
        char first = _source[_position];
        if (first is '"' or '\'')
        {
            String(first);
        }
        else if (char.IsAsciiDigit(first))
        {
            Match number = Float().Match(_source, _position);
            bool isFloat = number.Success && (_position == 0 || _source[_position - 1] != '.');
            number = isFloat ? number : Integer().Match(_source, _position);
            Add(isFloat ? TokenKind.Float : TokenKind.Integer, number.Value, _position);
            _position += number.Length;
        }
        else if (first == '_' || char.IsLetter(first))
        {
            int end = _position + 1;
            while (end < _source.Length && (_source[end] == '_' || char.IsLetterOrDigit(_source[end])))
            {
                end++;
            }

            Add(TokenKind.Name, _source[_position..end], _position);
            _position = end;
        }
        else
        {
            Operator(brackets);
        }
    }

    private void Operator(Stack<char> brackets)
    {
        string text = Array.Find(Operators, one => string.CompareOrdinal(_source, _position, one, 0, one.Length) == 0)
            ?? throw new TemplateFault($"unexpected character '{_source[_position]}'", LineAt(_position));
        if (text is "(" or "[" or "{")
        {
            brackets.Push(text == "(" ? ')' : text == "[" ? ']' : '}');
        }
        else if (text is ")" or "]" or "}" && (!brackets.TryPop(out char expected) || expected != text[0]))
        {
            throw new TemplateFault($"unexpected '{text}'", LineAt(_position));
        }

        Add(TokenKind.Operator, text, _position);
        _position += text.Length;
    }

    private void String(char quote)
    {
        int start = _position;
        int end = start + 1;
        while (end < _source.Length && _source[end] != quote)
        {
            end += _source[end] == '\\' ? 2 : 1;
        }

        if (end >= _source.Length)
        {
            throw new TemplateFault("a string has no end", LineAt(start));
        }

        string inside = _source[(start + 1)..end];
        Add(TokenKind.String, inside.Contains('\\') ? StringEscapes.Decode(inside, LineAt(start)) : inside, start);
        _position = end + 1;
    }

    [GeneratedRegex(@"\G(?:[0-9]+_)*[0-9]+(?:(?:\.(?:[0-9]+_)*[0-9]+)?[eE][+\-]?(?:[0-9]+_)*[0-9]+|\.(?:[0-9]+_)*[0-9]+)")]
    private static partial Regex Float();

    [GeneratedRegex(@"\G(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)")]
    private static partial Regex Integer();
}
