using System.Text.Json;
using Halo.Core;
using Halo.Text.Templates;
using Halo.Text.Templates.Values;

namespace Halo.Text;

/// <summary>
/// The chat template of a model: Jinja as Hugging Face's transformers runs it, in an interpreter of its own. A template reaches nothing but the variables it is given,
/// and ends with an error when it takes too many steps, too much memory or nests too deeply. Safe for many threads.
/// </summary>
public sealed class ChatTemplate
{
    private const string Default = "default";
    private const string ForTools = "tool_use";
    private readonly Dictionary<string, (Template Template, string Where)> _templates;
    private readonly Dictionary<string, object?> _tokens;

    internal ChatTemplate(Dictionary<string, (Template Template, string Where)> templates, Dictionary<string, object?> tokens)
    {
        _templates = templates;
        _tokens = tokens;
    }

    /// <summary>Names of the templates; one without a name is called default.</summary>
    public IReadOnlyCollection<string> Names => _templates.Keys;

    /// <summary>
    /// Loads the template of a model folder: chat_template.jinja (further ones, by name, in additional_chat_templates), else the key chat_template of tokenizer_config.json,
    /// a text or a list of <c>{"name", "template"}</c>. The special tokens of tokenizer_config.json become variables.
    /// </summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="HaloException">There is no template, or it is broken.</exception>
    public static ChatTemplate Load(string folder) => TryLoad(folder) ?? throw (Directory.Exists(folder)
        ? new HaloException("the model has no chat template", folder, "put a chat_template.jinja into the folder, or use a model that was made for conversations")
        : new HaloException("there is no such folder", folder, "give the folder of a model"));

    /// <summary>Loads a Jinja file in place of a model folder's own template.</summary>
    /// <param name="folder">The model folder: its special tokens become variables.</param>
    /// <param name="path">The Jinja file.</param>
    /// <exception cref="HaloException">The file is missing or broken.</exception>
    public static ChatTemplate Load(string folder, string path) => ChatTemplateReader.ReadFile(folder, path);

    /// <summary>As <see cref="Load(string)"/>; null where the folder has no template.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="HaloException">The template is broken.</exception>
    public static ChatTemplate? TryLoad(string folder) => ChatTemplateReader.Read(folder);

    /// <summary>Makes a template of its text, without special tokens.</summary>
    /// <param name="source">The Jinja text.</param>
    /// <param name="where">Its name for error messages.</param>
    /// <exception cref="HaloException">The template is broken.</exception>
    public static ChatTemplate Parse(string source, string where) => new(new() { [Default] = (ChatTemplateReader.Parse(source, where), where) }, []);

    /// <summary>
    /// Renders a conversation. <c>add_generation_prompt</c> is false, <c>tools</c> and <c>documents</c> are none where they are not given; <c>continue_final_message</c> true cuts
    /// the text where the last message's content ends; every other key is a variable of the template. With tools, a template named tool_use is taken.
    /// </summary>
    /// <param name="conversation">A JSON object with <c>messages</c>.</param>
    /// <returns>The text; special tokens stand in it as text.</returns>
    /// <exception cref="HaloException">The conversation has no messages, or the template refuses it, fails or does not end.</exception>
    public string Render(JsonElement conversation)
    {
        string where = "messages";
        try
        {
            var variables = new Dictionary<string, object?>(_tokens, StringComparer.Ordinal) { ["add_generation_prompt"] = false, ["tools"] = null, ["documents"] = null };
            TemplateDictionary given = JsonValues.Of(conversation) as TemplateDictionary ?? throw new TemplateFault("a conversation must be a JSON object");
            foreach ((object? key, object? value) in given.Entries)
            {
                variables[(string)key!] = value;
            }

            bool continues = variables.Remove("continue_final_message", out object? flag) && PythonType.IsTrue(flag);
            var continuation = continues ? FinalMessage.Mark(variables) : null;
            if (variables.GetValueOrDefault("messages") is not TemplateList { Items.Count: > 0 })
            {
                throw new TemplateFault("messages must be a list with at least one message");
            }

            (Template template, where) = Choose(variables["tools"] is not null);
            string text = template.Render(variables);
            return continuation is null ? text : continuation.Cut(text);
        }
        catch (TemplateFault fault)
        {
            throw new HaloException(fault.Message, fault.Line > 0 ? $"{where}, line {fault.Line}" : where, "give messages (and variables) as the template expects them", fault);
        }
    }

    private (Template Template, string Where) Choose(bool hasTools) =>
        hasTools && _templates.TryGetValue(ForTools, out var forTools) ? forTools
        : _templates.TryGetValue(Default, out var plain) ? plain
        : throw new TemplateFault($"none of the templates ({string.Join(", ", _templates.Keys)}) is named {Default}");
}
