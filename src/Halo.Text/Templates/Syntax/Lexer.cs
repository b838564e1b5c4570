using System.Text.RegularExpressions;

namespace Halo.Text.Templates.Syntax;

/// <summary>Cuts a template into tokens as Jinja does with trim_blocks and lstrip_blocks.</summary>
internal sealed partial class Lexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;
    private int _counted;

    private Lexer(string source) => _source = source;

    /// <summary>The tokens of a template; the last is <see cref="TokenKind.End"/>.</summary>
    public static IReadOnlyList<Token> Tokens(string template)
    {
        string source = template.Replace("\r\n", "\n").Replace('\r', '\n');
        var lexer = new Lexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        bool lineStarts = true;
        while (_position < _source.Length)
        {
            int open = Opening(_position);
            if (open < 0)
            {
                Data(_source[_position..]);
                break;
            }

            char kind = _source[open + 1];
            Match raw = kind == '%' ? RawBegin().Match(_source, open) : Match.Empty;
            char sign = open + 2 < _source.Length ? _source[open + 2] : '\0';
            Data(Stripped(_source[_position..open], sign, kind != '{', lineStarts));
            _position = open + (sign is '-' or '+' ? 3 : 2);
            if (raw.Success)
            {
                _position = open + raw.Length;
                Raw();
            }
            else if (kind == '#')
            {
                Comment();
            }
            else
            {
                Add(kind == '%' ? TokenKind.BlockBegin : TokenKind.VariableBegin, _source.Substring(open, 2), open);
                Tag(kind == '%');
            }

            lineStarts = _source[_position - 1] == '\n';
        }

        Add(TokenKind.End, "", _source.Length);
    }

    // The text before a tag: "-" takes all white space away, else a tag takes the blanks before it when nothing else stands on its line.
    private static string Stripped(string text, char sign, bool block, bool lineStarts)
    {
        if (sign == '-')
        {
            return PythonCharacters.StripEnd(text);
        }

        int lineStart = text.LastIndexOf('\n') + 1;
        return sign != '+' && block && (lineStart > 0 || lineStarts) && text.AsSpan(lineStart).IndexOfAnyExcept(" \t\n\v\f\r\u00a0\u3000") < 0 ? text[..lineStart] : text;
    }

    private int Opening(int start)
    {
        while (true)
        {
            int open = _source.IndexOf('{', start);
            if (open < 0 || open + 1 >= _source.Length)
            {
                return -1;
            }

            if (_source[open + 1] is '%' or '{' or '#')
            {
                return open;
            }

            start = open + 1;
        }
    }

    private void Raw()
    {
        Match end = RawEnd().Match(_source, _position);
        if (!end.Success)
        {
            throw new TemplateFault("raw has no endraw", LineAt(_position));
        }

        // The text begins within a line: whether it was a new one does not matter before its first line break.
        char sign = end.Groups[1].Value is [var one] ? one : '\0';
        Data(Stripped(_source[_position..end.Index], sign, true, _source[_position - 1] == '\n'));
        _position = end.Index + end.Length;
    }

    private void Comment()
    {
        int end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new TemplateFault("a comment has no end", LineAt(_position));
        }

        char sign = end > _position ? _source[end - 1] : '\0';
        _position = end + 2;
        AfterTag(sign, true);
    }

    private void AfterTag(char sign, bool trims)
    {
        if (sign == '-')
        {
            while (_position < _source.Length && PythonCharacters.IsSpace(_source[_position]))
            {
                _position++;
            }
        }
        else if (trims && sign != '+' && _position < _source.Length && _source[_position] == '\n')
        {
            _position++;
        }
    }

    private void Data(string text)
    {
        if (text.Length > 0)
        {
            Add(TokenKind.Data, text, _position);
        }
    }

    private void Add(TokenKind kind, string text, int position) => _tokens.Add(new Token(kind, text, LineAt(position)));

    // Positions only grow.
    private int LineAt(int position)
    {
        _line += _source.AsSpan(_counted, Math.Max(0, position - _counted)).Count('\n');
        _counted = Math.Max(_counted, position);
        return _line;
    }

    [GeneratedRegex(@"\G\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})")]
    private static partial Regex RawBegin();

    [GeneratedRegex(@"\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)")]
    private static partial Regex RawEnd();
}
