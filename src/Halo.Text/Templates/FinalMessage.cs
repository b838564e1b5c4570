using Halo.Text.Templates.Values;

namespace Halo.Text.Templates;

/// <summary>Finds where the last message's content ends in the rendered text, by a mark put behind it, so that a model can go on writing it.</summary>
internal sealed class FinalMessage
{
    // Its trailing blank tells whether the template keeps white space at the end of a content.
    private const string Sign = "CONTINUE_FINAL_MESSAGE_TAG ";
    private readonly string _content;

    private FinalMessage(string content) => _content = content;

    /// <summary>Puts the mark behind the content of the last message.</summary>
    public static FinalMessage Mark(Dictionary<string, object?> variables)
    {
        if (PythonType.IsTrue(variables["add_generation_prompt"]))
        {
            throw new TemplateFault("continue_final_message and add_generation_prompt cannot both be true");
        }

        if (variables.GetValueOrDefault("messages") is not TemplateList { Items: [.., TemplateDictionary last] } || !last.TryGet("content", out object? content))
        {
            throw new TemplateFault("continue_final_message needs a last message with content");
        }

        if (content is string text)
        {
            last.Set("content", text + Sign);
            return new FinalMessage(text);
        }

        foreach (object? part in (content as TemplateList)?.Items.Reverse() ?? [])
        {
            if (part is TemplateDictionary block && block.TryGet("text", out object? inside) && inside is string written)
            {
                block.Set("text", written + Sign);
                return new FinalMessage(written);
            }
        }

        throw new TemplateFault("continue_final_message needs a last message with text");
    }

    /// <summary>The text up to the mark.</summary>
    public string Cut(string text)
    {
        int place = text.LastIndexOf(Sign.TrimEnd(), StringComparison.Ordinal);
        if (place < 0 || !text.Contains(PythonCharacters.Strip(_content, null), StringComparison.Ordinal))
        {
            throw new TemplateFault("the template changes the last message's content, so it cannot be continued");
        }

        string before = text[..place];
        return string.CompareOrdinal(text, place, Sign, 0, Sign.Length) == 0 ? before : PythonCharacters.StripEnd(before);
    }
}
