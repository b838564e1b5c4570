using System.Text.Json;
using Halo.Core;
using Halo.Testing;
using Halo.Text.Templates;
using Halo.Text.Templates.Values;

namespace Halo.Text.Tests.Templates;

/// <summary>What transformers renders of the same templates and conversations.</summary>
public class TemplateGoldenTests
{
    [Theory]
    [InlineData("qwen3", 94, 8)]
    [InlineData("smollm2", 26, 4)]
    public void ConversationsAreRenderedAsByTransformers(string name, int count, int errors)
    {
        var template = ChatTemplate.Load(GoldenTokenizer.Folder(name));
        var faults = new List<string>();
        int records = 0;
        int refused = 0;
        foreach (string line in Golden.Lines($"chat/{name}.jsonl"))
        {
            using var record = JsonDocument.Parse(line);
            var variables = record.RootElement.EnumerateObject().Where(property => property.Name is not ("name" or "text" or "error"))
                .ToDictionary(property => property.Name, property => property.Value);
            string? expected = record.RootElement.TryGetProperty("text", out JsonElement text) ? text.GetString() : null;
            string? actual = null;
            try
            {
                actual = template.Render(JsonSerializer.SerializeToElement(variables));
            }
            catch (HaloException error)
            {
                Assert.NotEmpty(error.What);
                refused++;
            }

            if (actual != expected)
            {
                faults.Add(record.RootElement.GetProperty("name").GetString()!);
            }

            records++;
        }

        Assert.Empty(faults);
        Assert.Equal((count, errors), (records, refused));
    }

    [Fact]
    public void LanguageFeaturesAreThoseOfJinja()
    {
        var faults = new List<string>();
        int records = 0;
        foreach (string line in Golden.Lines("chat/templates.jsonl"))
        {
            using var document = JsonDocument.Parse(line);
            JsonElement record = document.RootElement;
            var context = (TemplateDictionary)JsonValues.Of(record.GetProperty("context"))!;
            string? expected = record.TryGetProperty("text", out JsonElement text) ? text.GetString() : null;
            string? actual = null;
            string fault = "";
            try
            {
                actual = Template.Parse(record.GetProperty("template").GetString()!).Render(context.Entries.ToDictionary(entry => (string)entry.Key!, entry => entry.Value));
            }
            catch (TemplateFault error)
            {
                fault = error.Message;
                Assert.True(error.Line > 0);
            }

            if (actual != expected)
            {
                faults.Add($"{record.GetProperty("name").GetString()}: expected {expected ?? "an error"}, got {actual ?? fault}");
            }

            records++;
        }

        Assert.Equal(157, records);
        Assert.Empty(faults);
    }
}
