using Halo.Core;
using Halo.Text;

namespace Halo.Evaluation;

/// <summary>Makes needle samples of one task and length: never longer than asked, the 128 new tokens included. Safe for many threads where the tokenizer is.</summary>
internal sealed class NeedleSampler
{
    private readonly NeedleKind kind;
    private readonly IHaystack haystack;
    private readonly ITokenizer tokenizer;
    private readonly RulerStyle style;
    private readonly int length;
    private readonly long seed;
    private readonly int size;

    /// <summary>Finds the size of the haystack for a length.</summary>
    /// <param name="kind">The task.</param>
    /// <param name="haystack">The text around the needles.</param>
    /// <param name="tokenizer">Counts tokens.</param>
    /// <param name="style">Whose counting.</param>
    /// <param name="length">Most tokens of a prompt and its <see cref="NeedleKind.NewTokens"/> new tokens.</param>
    /// <param name="seed">Seed of all draws.</param>
    /// <exception cref="HaloException">The length leaves no room for a haystack.</exception>
    public NeedleSampler(NeedleKind kind, IHaystack haystack, ITokenizer tokenizer, RulerStyle style, int length, long seed)
    {
        (this.kind, this.haystack, this.tokenizer, this.style, this.length, this.seed) = (kind, haystack, tokenizer, style, length, seed);
        Step = style == RulerStyle.Nvidia ? 1 : kind.Prose ? 500 : length < 4096 ? 5 : 25;
        size = style == RulerStyle.Nvidia ? Bisect() : Grow();
    }

    /// <summary>Units that a sample which is too long gives up at once.</summary>
    public int Step { get; }

    /// <summary>Samples <paramref name="first"/> to <paramref name="first"/> + <paramref name="count"/> - 1, made on all cores, so that tokenizing long prompts does not hold a GPU up.</summary>
    /// <exception cref="HaloException">The length leaves no room for a haystack.</exception>
    public NeedleSample[] Make(int first, int count)
    {
        try
        {
            return [.. Enumerable.Range(first, count).AsParallel().AsOrdered().Select(index => Make(index))];
        }
        catch (AggregateException error) when (error.InnerException is HaloException inner)
        {
            throw inner;
        }
    }

    /// <summary>Sample <paramref name="index"/>, a function of (task, seed, length, index) alone.</summary>
    /// <exception cref="HaloException">The length leaves no room for a haystack.</exception>
    public NeedleSample Make(int index)
    {
        NeedleDraw draw = NeedleDraw.Make(kind, seed, length, index);
        int units = size;
        while (true)
        {
            string text = haystack.Insert(units, haystack.Place(units, draw.Depth), kind.Needle(draw.Key, draw.Value));
            string input = kind.Input(text, draw.Key);
            string prompt = input + kind.AnswerPrefix(draw.Key);
            int[] ids = tokenizer.Encode(prompt);
            int counted = (style == RulerStyle.LmEval ? tokenizer.Encode(input).Length : ids.Length) + NeedleKind.NewTokens;
            if (counted <= length)
            {
                int before = tokenizer.Encode(prompt[..prompt.IndexOf(draw.Value, StringComparison.Ordinal)]).Length;
                return new NeedleSample(index, draw, units, prompt, ids, before / (double)ids.Length);
            }

            units = Shrink(units, counted - length);
        }
    }

    private int Shrink(int units, int excess)
    {
        // A word is mostly one or two tokens and a line some 24, so this seldom gives up more than is needed.
        int fewer = style == RulerStyle.LmEval ? Step : Math.Max(1, excess / (kind.Prose ? 2 : 30));
        return units > fewer ? units - fewer : units > 1 && style == RulerStyle.Nvidia ? 1 : throw TooShort();
    }

    private int Count(int units)
    {
        NeedleDraw draw = NeedleDraw.Make(kind, seed, length, 0);
        string text = haystack.Insert(units, haystack.Place(units, 0.5), kind.Needle(draw.Key, draw.Value));
        string input = kind.Input(text, draw.Key);

        // lm-evaluation-harness counts the value put straight after the input, not the answer prefix.
        return tokenizer.Encode(style == RulerStyle.LmEval ? input + draw.Value : input + kind.AnswerPrefix(draw.Key)).Length + NeedleKind.NewTokens;
    }

    /// <summary>The greatest size whose prompt fits.</summary>
    private int Bisect()
    {
        if (Count(1) > length)
        {
            throw TooShort();
        }

        int fits = 1;
        int over = Math.Min(haystack.MaximumUnits, length) + 1; // A word or line is at least one token.
        while (over - fits > 1)
        {
            int middle = fits + ((over - fits) / 2);
            if (Count(middle) <= length)
            {
                fits = middle;
            }
            else
            {
                over = middle;
            }
        }

        return fits;
    }

    /// <summary>lm-evaluation-harness: whole steps until too long or out of text, then one back.</summary>
    private int Grow()
    {
        int units = 0;
        while (units < haystack.MaximumUnits && Count(Math.Min(units + Step, haystack.MaximumUnits)) <= length)
        {
            units = Math.Min(units + Step, haystack.MaximumUnits);
        }

        return units > 0 ? units : throw TooShort();
    }

    private HaloException TooShort() => new(
        $"a length of {length} tokens leaves no room for a haystack ({NeedleKind.NewTokens} of them are for the answer)", kind.Name, "ask for a greater length in --lengths");
}
