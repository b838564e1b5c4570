using System.Text;
using Halo.Core;

namespace Halo.Evaluation;

/// <summary>Running prose: the first words of a text, single spaces between them, begun anew at its end where that is allowed.</summary>
internal sealed class ProseHaystack : IHaystack
{
    private readonly string[] words;
    private readonly bool repeats;
    private readonly List<int> wordEnds = [];
    private string text = "";
    private List<int>? sentenceEnds;

    /// <summary>Takes a text; every run of white space counts as one space.</summary>
    /// <param name="prose">The text.</param>
    /// <param name="repeats">True: begin anew at the end (NVIDIA); false: stop there (lm-evaluation-harness).</param>
    /// <exception cref="HaloException">The text holds no word.</exception>
    public ProseHaystack(string prose, bool repeats = true)
    {
        words = prose.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        this.repeats = repeats;
        if (words.Length == 0)
        {
            throw new HaloException("the haystack holds no words", remedy: "give a text file or a folder of .txt files with --haystack");
        }
    }

    /// <inheritdoc/>
    public int MaximumUnits => repeats ? int.MaxValue : words.Length;

    /// <summary>The first <paramref name="units"/> words.</summary>
    public string Text(int units)
    {
        Extend(units);
        return text[..wordEnds[units - 1]];
    }

    /// <summary>Cuts at the offset, strips the pieces of spaces and joins pieces and needle with single spaces; an empty piece keeps its space, as in RULER.</summary>
    public string Insert(int units, int place, string needle)
    {
        string prose = Text(units);
        return $"{prose[..place].Trim(' ')} {needle} {prose[place..].Trim(' ')}";
    }

    /// <summary>The end of sentence (int)(sentences * depth); 0 for the first. The rest after the last full sentence counts as a sentence.</summary>
    public int Place(int units, double depth)
    {
        Extend(units);
        int length = wordEnds[units - 1];
        int whole = sentenceEnds!.BinarySearch(length);
        whole = whole >= 0 ? whole : ~whole; // Sentences that end before the text does.
        int position = Math.Min((int)((whole + 1) * depth), whole + 1);
        return position == 0 ? 0 : position > whole ? length : sentenceEnds[position - 1];
    }

    private void Extend(int units)
    {
        if (units > MaximumUnits)
        {
            throw new ArgumentOutOfRangeException(nameof(units), units, $"the haystack has {words.Length} words");
        }

        if (units <= wordEnds.Count)
        {
            return;
        }

        var builder = new StringBuilder(text);
        while (wordEnds.Count < units)
        {
            foreach (string word in words)
            {
                if (builder.Length > 0)
                {
                    builder.Append(' ');
                }

                builder.Append(word);
                wordEnds.Add(builder.Length);
            }
        }

        text = builder.ToString();
        sentenceEnds = SentenceSplitter.Ends(text);
    }
}
