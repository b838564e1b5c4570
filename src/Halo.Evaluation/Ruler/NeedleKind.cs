namespace Halo.Evaluation;

/// <summary>A single-needle task of RULER and the fixed texts of its prompt (golden/ruler).</summary>
/// <param name="Name">Task name, for example <c>niah_single_1</c>.</param>
/// <param name="Prose">True: running prose, the needle between sentences; false: a repeated line, the needle on a line of its own.</param>
/// <param name="Uuid">True: the value is a uuid of version 4; false: a number of 7 digits.</param>
internal sealed record NeedleKind(string Name, bool Prose, bool Uuid)
{
    /// <summary>New tokens that RULER lets a model write on the needle tasks, and that count in the length of a sample.</summary>
    public const int NewTokens = 128;

    /// <summary>S-NIAH-1: a repeated line and a number.</summary>
    public static NeedleKind Single1 { get; } = new("niah_single_1", Prose: false, Uuid: false);

    /// <summary>S-NIAH-2: prose and a number.</summary>
    public static NeedleKind Single2 { get; } = new("niah_single_2", Prose: true, Uuid: false);

    /// <summary>S-NIAH-3: prose and a uuid.</summary>
    public static NeedleKind Single3 { get; } = new("niah_single_3", Prose: true, Uuid: true);

    private string Noun => Uuid ? "uuid" : "number";

    /// <summary>The sentence that holds the value; it says "numbers" or "uuids" even for one value, as both implementations do.</summary>
    public string Needle(string key, string value) => $"One of the special magic {Noun}s for {key} is: {value}.";

    /// <summary>Instruction, text and question, without the answer prefix.</summary>
    public string Input(string textWithNeedle, string key) =>
        $"A special magic {Noun} is hidden within the following text. Make sure to memorize it. I will quiz you about the {Noun} afterwards.\n"
        + $"{textWithNeedle}\nWhat is the special magic {Noun} for {key} mentioned in the provided text?";

    /// <summary>What the answer begins with, put after the input; begins with a space.</summary>
    public string AnswerPrefix(string key) => $" The special magic {Noun} for {key} mentioned in the provided text is";
}
