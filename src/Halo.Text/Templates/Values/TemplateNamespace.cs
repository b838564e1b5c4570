namespace Halo.Text.Templates.Values;

/// <summary>What <c>namespace(...)</c> gives: attributes that may be set from within loops.</summary>
internal sealed class TemplateNamespace(TemplateDictionary attributes)
{
    public TemplateDictionary Attributes => attributes;
}
