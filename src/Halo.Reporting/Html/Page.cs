using System.Globalization;
using Halo.Core;

namespace Halo.Reporting;

/// <summary>The whole page.</summary>
internal static class Page
{
    /// <summary>One HTML text with everything inside: style, pictures, figures; no script.</summary>
    public static string Make(string title, RunData data, IReadOnlyList<Fact> facts, IReadOnlyList<Section> sections) => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{Markup.Escape(title)}</title>
        <style>
        {Style()}</style>
        </head>
        <body>
        <main>
        <header>
        <h1>{Markup.Escape(title)}</h1>
        <p class="lead">{Markup.Escape(Lead(data))}</p>
        <nav>{string.Join(" ", sections.Select(section => $"<a href=\"#{section.Id}\">{Markup.Escape(section.Title)}</a>"))}</nav>
        </header>
        {(facts.Count > 0 ? $"<div class=\"facts\">\n{string.Concat(facts.Select(fact => fact.Html))}</div>" : "")}
        {string.Concat(sections.Select(section => section.Html))}
        <footer>Made by Halo from this run's records: recipe.json, events.jsonl, results.jsonl, selection.json, samples.json. The pictures lie beside this page in pictures/, for light and for dark.</footer>
        </main>
        </body>
        </html>

        """;

    /// <summary>The recipe as run.</summary>
    public static Section Recipe(string? recipe) => new(
        "recipe",
        "Recipe",
        recipe is null ? Markup.Note("The run has no recipe.json, so the recipe is left out.") : $"<pre>{Markup.Escape(recipe)}</pre>\n");

    private static string Lead(RunData data)
    {
        const string What = "Report of a Halo run";
        RunEvent[] dated = [.. data.Events.Where(entry => entry.Time != default)];
        if (dated.Length == 0)
        {
            return What + ".";
        }

        string first = dated.Min(entry => entry.Time).ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture);
        string last = dated.Max(entry => entry.Time).ToString("d MMMM yyyy, HH:mm", CultureInfo.InvariantCulture);
        return first == last ? $"{What}, {first} UTC." : $"{What}, from {first} to {last} UTC.";
    }

    private static string Style()
    {
        using Stream resource = typeof(Page).Assembly.GetManifestResourceStream("report.css") ?? throw new InvalidOperationException("the library lacks its style sheet");
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }
}
