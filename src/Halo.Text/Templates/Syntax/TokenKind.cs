namespace Halo.Text.Templates.Syntax;

/// <summary>Kinds of <see cref="Token"/>.</summary>
internal enum TokenKind
{
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Integer,
    Float,
    String,
    Operator,
    End,
}
