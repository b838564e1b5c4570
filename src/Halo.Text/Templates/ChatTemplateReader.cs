using System.Text;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Text.Templates;

/// <summary>Finds and parses the chat templates of a model folder.</summary>
internal static class ChatTemplateReader
{
    private const string Remedy = "mend the template, or put a chat_template.jinja that works into the folder";
    private static readonly string[] SpecialTokens = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    public static ChatTemplate? Read(string folder) => Guarded(folder, () =>
    {
        var templates = new Dictionary<string, (Template, string)>(StringComparer.Ordinal);
        (JsonObject settings, string configuration) = Settings(folder);
        AddFiles(folder, templates);
        if (templates.Count == 0)
        {
            AddConfigured(settings["chat_template"], configuration, templates);
        }

        return templates.Count == 0 ? null : new ChatTemplate(templates, Tokens(settings));
    });

    public static ChatTemplate ReadFile(string folder, string path) => Guarded(path, () =>
        new ChatTemplate(new(StringComparer.Ordinal) { ["default"] = (Parse(File.ReadAllText(path, Encoding.UTF8), path), Path.GetFileName(path)) }, Tokens(Settings(folder).Settings)));

    private static (JsonObject Settings, string Path) Settings(string folder)
    {
        string path = Path.Combine(folder, "tokenizer_config.json");
        return (File.Exists(path) ? JsonFile.ReadObject(path, "mend the file") : [], path);
    }

    private static T Guarded<T>(string where, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException error)
        {
            throw new HaloException($"a chat template is broken ({error.Message.TrimEnd('.')})", where, Remedy, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HaloException($"a chat template cannot be read ({error.Message.TrimEnd('.')})", where, "check that it is there, and its permissions", error);
        }
    }

    public static Template Parse(string source, string where)
    {
        try
        {
            return Template.Parse(source);
        }
        catch (TemplateFault fault)
        {
            throw new HaloException($"the chat template is broken: {fault.Message}", $"{where}, line {fault.Line} of the template", Remedy, fault);
        }
    }

    private static void AddFiles(string folder, Dictionary<string, (Template, string)> templates)
    {
        string single = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(single))
        {
            templates["default"] = (Parse(File.ReadAllText(single, Encoding.UTF8), single), Path.GetFileName(single));
        }

        string further = Path.Combine(folder, "additional_chat_templates");
        if (Directory.Exists(further))
        {
            foreach (string path in Directory.EnumerateFiles(further, "*.jinja").Order(StringComparer.Ordinal))
            {
                templates[Path.GetFileNameWithoutExtension(path)] = (Parse(File.ReadAllText(path, Encoding.UTF8), path), Path.GetFileName(path));
            }
        }
    }

    private static void AddConfigured(JsonNode? node, string where, Dictionary<string, (Template, string)> templates)
    {
        switch (node)
        {
            case null:
                break;
            case JsonArray list:
                foreach (JsonNode? entry in list)
                {
                    if (entry is not JsonObject named || Text(named["name"]) is not { } name || Text(named["template"]) is not { } source)
                    {
                        throw new HaloException("an entry of chat_template has no name or no template", where, Remedy);
                    }

                    templates[name] = (Parse(source, $"{where}, chat_template '{name}'"), $"chat_template '{name}'");
                }

                break;
            default:
                string text = Text(node) ?? throw new HaloException("chat_template is neither a text nor a list", where, Remedy);
                templates["default"] = (Parse(text, $"{where}, chat_template"), "chat_template");
                break;
        }
    }

    private static Dictionary<string, object?> Tokens(JsonObject settings)
    {
        var result = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (string key in SpecialTokens)
        {
            if (Name(settings[key]) is { } token)
            {
                result[key] = token;
            }
        }

        if (settings["additional_special_tokens"] is JsonArray further)
        {
            result["additional_special_tokens"] = new Values.TemplateList([.. further.Select(Name)]);
        }

        return result;
    }

    private static string? Name(JsonNode? node) => node is JsonObject token ? Text(token["content"]) : Text(node);

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
