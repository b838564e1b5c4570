using System.Text;
using System.Text.RegularExpressions;

namespace Halo.Evaluation;

/// <summary>WikiText as lm-evaluation-harness reads it: pages, their plain text, and the words and bytes that perplexities are divided by.</summary>
internal static partial class WikitextPages
{
    private const string Space = @"[\s\x1c-\x1f]";

    /// <summary>Cuts a file's text at the titles of its pages ("= Title =", not "= = Section = =").</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var pages = new List<string>();
        var lines = new List<string>();
        foreach (string line in text.Split('\n'))
        {
            string title = PythonText.Strip(line.Replace("= = =", "===", StringComparison.Ordinal).Replace("= =", "==", StringComparison.Ordinal));
            if (title.StartsWith("= ", StringComparison.Ordinal) && title.EndsWith(" =", StringComparison.Ordinal))
            {
                Add(pages, lines);
                lines.Clear();
            }

            lines.Add(line);
        }

        Add(pages, lines);
        return pages;
    }

    /// <summary>Undoes the tokenization of the file.</summary>
    public static string Detokenize(string page)
    {
        var text = new StringBuilder(page);
        text.Replace("s '", "s'");
        string contracted = ContractedYear().Replace(text.ToString(), "/'[0-9]/");
        text.Clear().Append(contracted)
            .Replace(" @-@ ", "-").Replace(" @,@ ", ",").Replace(" @.@ ", ".")
            .Replace(" : ", ": ").Replace(" ; ", "; ").Replace(" . ", ". ").Replace(" ! ", "! ").Replace(" ? ", "? ").Replace(" , ", ", ");
        string closed = Parentheses().Replace(text.ToString(), "($1)");
        closed = Brackets().Replace(closed, "[$1]");
        closed = Braces().Replace(closed, "{$1}");
        closed = Quotes().Replace(closed, "\"$1\"");
        closed = Apostrophes().Replace(closed, "'$1'");
        return text.Clear().Append(closed)
            .Replace("= = = =", "====").Replace("= = =", "===").Replace("= =", "==").Replace(" ° ", "°")
            .Replace(" \n", "\n").Replace("\n ", "\n").Replace(" N ", " 1 ").Replace(" 's", "'s").ToString();
    }

    /// <summary>Pieces between white space, with the empty ones at both ends: len(re.split(r"\s+", page)).</summary>
    public static int Words(string page) => 1 + SpaceRun().Count(page);

    private static void Add(List<string> pages, List<string> lines)
    {
        string page = string.Join('\n', lines);
        if (PythonText.Strip(page).Length > 0)
        {
            pages.Add(page);
        }
    }

    [GeneratedRegex("/' [0-9]/", RegexOptions.CultureInvariant)]
    private static partial Regex ContractedYear();

    [GeneratedRegex(@"\(" + Space + @"*([^\)]*?)" + Space + @"*\)", RegexOptions.CultureInvariant)]
    private static partial Regex Parentheses();

    [GeneratedRegex(@"\[" + Space + @"*([^\]]*?)" + Space + @"*\]", RegexOptions.CultureInvariant)]
    private static partial Regex Brackets();

    [GeneratedRegex(@"\{" + Space + @"*([^}]*?)" + Space + @"*\}", RegexOptions.CultureInvariant)]
    private static partial Regex Braces();

    [GeneratedRegex("\"" + Space + "*([^\"]*?)" + Space + "*\"", RegexOptions.CultureInvariant)]
    private static partial Regex Quotes();

    [GeneratedRegex("'" + Space + "*([^']*?)" + Space + "*'", RegexOptions.CultureInvariant)]
    private static partial Regex Apostrophes();

    [GeneratedRegex(Space + "+", RegexOptions.CultureInvariant)]
    private static partial Regex SpaceRun();
}
