namespace Halo.Text.Templates.Syntax;

/// <summary>The tokens that are still to be parsed.</summary>
internal sealed class TokenStream(IReadOnlyList<Token> tokens)
{
    private int _place;

    public Token Current => tokens[_place];

    public Token Following => tokens[Math.Min(_place + 1, tokens.Count - 1)];

    public Token Next()
    {
        Token token = tokens[_place];
        _place = Math.Min(_place + 1, tokens.Count - 1);
        return token;
    }

    public bool SkipOperator(string text) => Skip(Current.IsOperator(text));

    public bool SkipName(string text) => Skip(Current.IsName(text));

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
        {
            throw Unexpected($"'{text}'");
        }
    }

    public Token Expect(TokenKind kind, string what) => Current.Kind == kind ? Next() : throw Unexpected(what);

    public TemplateFault Unexpected(string expected) => new($"{Current} stands where {expected} is expected", Current.Line);

    private bool Skip(bool matches)
    {
        if (matches)
        {
            Next();
        }

        return matches;
    }
}
