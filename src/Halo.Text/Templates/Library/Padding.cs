using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Library;

/// <summary>Methods that fill strings up to a width.</summary>
internal static class Padding
{
    public static string Pad(string name, string text, Arguments arguments, Budget budget, Func<int, (int Left, int Right)> share)
    {
        object?[] given = arguments.Bind(name, "width", "fillchar?");
        string fill = PythonType.Text(Missing.Or(given[1], " "), "the fill character");
        if (PythonCharacters.Length(fill) != 1)
        {
            throw new TemplateFault("the fill character must be one character");
        }

        int room = Room(text, given[0], budget);
        (int left, int right) = share(room);
        return string.Concat(Enumerable.Repeat(fill, left)) + text + string.Concat(Enumerable.Repeat(fill, right));
    }

    // As CPython does it: the odd place goes left where the width is odd.
    public static string Center(string text, Arguments arguments, Budget budget)
    {
        int length = PythonCharacters.Length(text);
        return Pad("center", text, arguments, budget, room =>
        {
            int left = (room / 2) + (room & (length + room) & 1);
            return (left, room - left);
        });
    }

    public static string Zeros(string text, Arguments arguments, Budget budget)
    {
        int room = Room(text, arguments.Bind("zfill", "width")[0], budget);
        int sign = text is ['-' or '+', ..] ? 1 : 0;
        return text[..sign] + new string('0', room) + text[sign..];
    }

    private static int Room(string text, object? width, Budget budget)
    {
        int room = Math.Max(0, PythonType.Int(width, "the width") - PythonCharacters.Length(text));
        budget.Characters((long)room + text.Length);
        return room;
    }
}
