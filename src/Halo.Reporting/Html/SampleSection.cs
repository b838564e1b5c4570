using System.Text;

namespace Halo.Reporting;

/// <summary>Texts of all models after the same prompts, side by side.</summary>
internal static class SampleSection
{
    /// <summary>The part, or a sentence where there are no samples.</summary>
    public static Section Make(IReadOnlyList<TextSample> samples)
    {
        if (samples.Count == 0)
        {
            return new Section("samples", "Text samples", Markup.Note("No text samples were recorded (samples.json is missing or empty), so they are left out."));
        }

        var html = new StringBuilder("<div class=\"samples\">\n");
        foreach (IGrouping<string, TextSample> prompt in samples.GroupBy(sample => sample.Prompt))
        {
            html.Append("<div class=\"sample\"><div class=\"prompt\"><small>Prompt</small>").Append(Markup.Escape(prompt.Key)).Append("</div><div class=\"texts\">\n");
            foreach (string model in Column.Order(prompt.Select(sample => sample.Model)))
            {
                string text = string.Join("\n\n", prompt.Where(sample => sample.Model == model).Select(sample => sample.Text.Trim()));
                html.Append("<div><h3>").Append(Markup.Escape(Column.Title(model))).Append("</h3><p>").Append(Markup.Escape(text.Length > 0 ? text : "(nothing)")).Append("</p></div>\n");
            }

            html.Append("</div></div>\n");
        }

        return new Section("samples", "Text samples", html.Append("</div>\n").ToString());
    }
}
