namespace Halo.Text.Templates.Values;

/// <summary>Which of Python's sequences a <see cref="TemplateList"/> stands for.</summary>
internal enum ListKind
{
    List,
    Tuple,
    Range,
    Keys,
    Values,
    Items,
    Generator,
}
