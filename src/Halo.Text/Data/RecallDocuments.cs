using System.Globalization;

namespace Halo.Text.Data;

/// <summary>Writes synthetic recall documents: key-value lists, needles, copies. Dense, with several questions each, since a circuit for recall forms from many short chances to use it.</summary>
internal sealed class RecallDocuments(RecallOptions options, Func<CounterRandom, int, string?>? prose)
{
    private const string NoiseLine = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
    private const double TokensPerNoiseLine = 26;
    private const double CharactersPerToken = 3.3;

    private static readonly string[] Statements =
    [
        "One of the special magic numbers for {0} is: {1}.", "One of the special magic numbers for {0} is: {1}.", "The special magic number for {0} is {1}.",
        "Remember that the code of {0} is {1}.", "The number of {0} is {1}.", "{0} has the number {1}.",
    ];

    private static readonly string[] ListForms = ["{0}: {1}", "{0} = {1}", "{0} -> {1}", "The {0} is {1}.", "{0} has {1}", "- {0} is {1}"];

    private static readonly string[] ListQuestions =
    [
        "{0}:", "What is {0}? It is", "The {0} is", "Q: {0}\nA:", "What was said of {0}?", "{0} =", "The special magic number for {0} mentioned in the provided text is",
    ];

    private static readonly string[] Fillers =
    [
        "the old man looked at the sea", "nobody knew what to say", "the road went down to the river", "a cold wind came from the north", "she closed the window", "they had walked for a long time",
        "the lamps were lit in the street", "he read the letter again", "the children ran across the yard", "it was late in the afternoon", "the horses were tired", "a bell rang in the tower",
        "the fire had gone out", "some of them laughed", "there was dust on the table", "the boat lay on the sand",
    ];

    /// <summary>One document of about <paramref name="tokens"/> tokens.</summary>
    public RecallText Write(CounterRandom random, int tokens)
    {
        double draw = random.Unit() * (options.Lists + options.Needles + options.Copies);
        var text = new RecallText();
        if (draw < options.Lists)
        {
            WriteList(text, random, tokens);
        }
        else if (draw < options.Lists + options.Needles)
        {
            WriteNeedles(text, random, tokens);
        }
        else
        {
            WriteCopies(text, random, tokens);
        }

        text.Close();
        return text;
    }

    private static void WriteList(RecallText text, CounterRandom random, int tokens)
    {
        bool numbers = random.Unit() < 0.75;
        int pairTokens = numbers ? 15 : 9;
        int pairs = Math.Clamp(tokens / (2 * pairTokens), 2, 60);
        string form = random.Pick(ListForms);
        string question = random.Pick(ListQuestions);
        var entries = Entries(random, pairs, numbers);
        foreach ((string key, string value) in entries)
        {
            text.Add(string.Format(CultureInfo.InvariantCulture, form, key, value) + "\n");
        }

        int questions = Math.Max(pairs, (tokens / pairTokens) - pairs);
        for (int asked = 0; asked < questions;)
        {
            random.Shuffle(entries);
            for (int i = 0; i < entries.Count && asked < questions; i++, asked++)
            {
                text.Add((asked > 0 ? "\n" : "") + string.Format(CultureInfo.InvariantCulture, question, entries[i].Key)).Answer(entries[i].Value);
            }
        }

        text.Add("\n");
    }

    private void WriteNeedles(RecallText text, CounterRandom random, int tokens)
    {
        bool uuid = random.Unit() < 0.15;
        int needles = random.Between(1, Math.Clamp(tokens / 80, 1, options.MaxNeedles));
        bool magic = random.Unit() < 0.8;
        string statement = magic ? Statements[0] : random.Pick(Statements);
        string name = uuid ? "uuid" : "number";
        var entries = new List<(string Key, string Value)>();
        for (int i = 0; i < needles; i++)
        {
            entries.Add((Key(random), uuid ? Uuid(random) : Number(random)));
        }

        int filler = Math.Max(0, tokens - 45 - (needles * 60));
        List<string> lines = Haystack(random, filler, out bool newLines);
        foreach ((string key, string value) in entries)
        {
            string needle = string.Format(CultureInfo.InvariantCulture, statement, key, value);
            lines.Insert(random.Below(lines.Count + 1), uuid ? needle.Replace("numbers", "uuids", StringComparison.Ordinal).Replace("number", "uuid", StringComparison.Ordinal) : needle);
        }

        if (magic)
        {
            text.Add(needles == 1
                ? $"A special magic {name} is hidden within the following text. Make sure to memorize it. I will quiz you about the {name} afterwards.\n"
                : $"Some special magic {name}s are hidden within the following text. Make sure to memorize it. I will quiz you about the {name}s afterwards.\n");
        }

        text.Add(string.Join(newLines ? "\n" : " ", lines) + "\n");
        random.Shuffle(entries);
        foreach ((string key, string value) in entries)
        {
            text.Add($"What is the special magic {name} for {key} mentioned in the provided text? The special magic {name} for {key} mentioned in the provided text is").Answer(value).Add(".\n");
        }
    }

    private static void WriteCopies(RecallText text, CounterRandom random, int tokens)
    {
        int times = random.Between(2, 4);
        int length = Math.Max(4, tokens / (times * 2));
        var words = new List<string>(length);
        for (int i = 0; i < length; i++)
        {
            words.Add(random.Below(4) switch
            {
                0 => random.Pick(RecallWords.Adjectives),
                1 => random.Pick(RecallWords.Nouns),
                2 => random.Below(100).ToString(CultureInfo.InvariantCulture),
                _ => Syllables(random, random.Between(1, 3)),
            });
        }

        string sequence = string.Join(' ', words);
        for (int i = 0; i < times; i++)
        {
            text.Add(sequence + "\n");
        }
    }

    private List<string> Haystack(CounterRandom random, int tokens, out bool newLines)
    {
        double draw = random.Unit();
        newLines = draw < 0.25;
        if (newLines)
        {
            return [.. Enumerable.Repeat(NoiseLine, (int)(tokens / TokensPerNoiseLine))];
        }

        if (draw < 0.8 && prose?.Invoke(random, tokens) is { } text)
        {
            return [.. Sentences(text)];
        }

        var lines = new List<string>();
        for (double written = 0; written < tokens;)
        {
            string first = random.Pick(Fillers);
            string line = $"{char.ToUpperInvariant(first[0])}{first[1..]}, and {random.Pick(Fillers)}.";
            written += line.Length / CharactersPerToken;
            lines.Add(line);
        }

        return lines;
    }

    private static IEnumerable<string> Sentences(string text)
    {
        string flat = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        int start = 0;
        for (int i = 0; i + 1 < flat.Length; i++)
        {
            if (flat[i] is '.' or '!' or '?' && flat[i + 1] == ' ')
            {
                yield return flat[start..(i + 1)];
                start = i + 2;
            }
        }

        if (start < flat.Length)
        {
            yield return flat[start..] + (flat[^1] is '.' or '!' or '?' ? "" : ".");
        }
    }

    private static List<(string Key, string Value)> Entries(CounterRandom random, int count, bool numbers)
    {
        var entries = new Dictionary<string, string>();
        while (entries.Count < count)
        {
            entries[Key(random)] = numbers ? (random.Unit() < 0.6 ? Number(random) : random.Below(10000).ToString(CultureInfo.InvariantCulture)) : random.Pick(RecallWords.Nouns);
        }

        return [.. entries.Select(entry => (entry.Key, entry.Value))];
    }

    private static string Key(CounterRandom random) => random.Unit() switch
    {
        < 0.7 => RecallWords.Key(random, test: false),
        < 0.85 => Syllables(random, random.Between(2, 4)),
        _ => $"{Syllables(random, 2)}-{Syllables(random, 2)}",
    };

    private static string Syllables(CounterRandom random, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => $"{"bcdfghjklmnprstvwz"[random.Below(18)]}{"aeiou"[random.Below(5)]}"));

    private static string Number(CounterRandom random) => random.Between(1_000_000, 9_999_999).ToString(CultureInfo.InvariantCulture);

    private static string Uuid(CounterRandom random) => new Guid((int)random.Next(), (short)random.Next(), (short)random.Next(), BitConverter.GetBytes(random.Next())).ToString();
}
