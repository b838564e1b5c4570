namespace Halo.Text.Templates.Syntax;

/// <summary>How it goes on after a statement.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}
