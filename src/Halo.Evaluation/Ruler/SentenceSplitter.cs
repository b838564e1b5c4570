using System.Buffers;

namespace Halo.Evaluation;

/// <summary>Finds sentence ends in English prose by simple rules; RULER uses NLTK's Punkt, whose parameters are not shipped, so depths may fall a sentence apart.</summary>
internal static class SentenceSplitter
{
    private static readonly HashSet<string> Abbreviations = new(StringComparer.Ordinal)
    {
        "Mr", "Mrs", "Ms", "Dr", "St", "Messrs", "Esq", "Rev", "Hon", "Col", "Capt", "Gen", "Lieut", "Sergt", "Prof", "Jr", "Sr", "No", "Vol", "vol", "viz", "etc", "cf", "vs", "e.g", "i.e",
    };

    private static readonly SearchValues<char> Closing = SearchValues.Create("\"'”’)]_");

    /// <summary>Ends (character offsets just after the last character, ascending) of the sentences of a text whose words are parted by single spaces; the text's own end is the last.</summary>
    public static List<int> Ends(string text)
    {
        var ends = new List<int>();
        int wordStart = 0;
        for (int space = text.IndexOf(' '); space >= 0; space = text.IndexOf(' ', wordStart))
        {
            if (space + 1 < text.Length && EndsSentence(text.AsSpan(wordStart, space - wordStart)) && MayBegin(text.AsSpan(space + 1)))
            {
                ends.Add(space);
            }

            wordStart = space + 1;
        }

        ends.Add(text.Length);
        return ends;
    }

    private static bool EndsSentence(ReadOnlySpan<char> word)
    {
        int stop = word.LastIndexOfAnyExcept(Closing);
        if (stop < 0 || word[stop] is not ('.' or '!' or '?'))
        {
            return false;
        }

        if (word[stop] != '.' || stop < word.Length - 1)
        {
            return true;
        }

        ReadOnlySpan<char> stem = word[..stop].TrimStart("\"'“‘([_");
        bool initial = stem.Length == 1 && char.IsUpper(stem[0]) && stem[0] != 'I';
        return !initial && !Abbreviations.Contains(stem.ToString());
    }

    private static bool MayBegin(ReadOnlySpan<char> rest)
    {
        int first = rest.IndexOfAnyExcept("\"'“‘([_-—");
        return first < 0 || !char.IsLower(rest[first]);
    }
}
