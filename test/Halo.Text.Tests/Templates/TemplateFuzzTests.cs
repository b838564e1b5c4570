using System.Text.Json;
using CsCheck;
using Halo.Testing;
using Halo.Text.Templates;
using Halo.Text.Templates.Values;

namespace Halo.Text.Tests.Templates;

/// <summary>Random templates render or are refused with a line; nothing else happens.</summary>
public class TemplateFuzzTests
{
    private const int Tries = 20_000;

    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{-", "-}}", "{%+", "\n", "  ", "a", "é😀", "'x'", "\"y\"", "'", "\"", "\\", "1", "2.5", "1e9", "0", "-", "+", "*", "**", "/", "//", "%", "~",
        "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "=", "==", "!=", "<", ">=", " is ", " not ", " in ", " and ", " or ", " if ", " else ", "none", "true", "x", "m", "d", "loop", "ns",
        "for i in m", "endfor", "if x", "elif x", "else", "endif", "set y = ", "set y", "endset", "macro f(a, b=1)", "endmacro", "call f(1)", "endcall", "filter upper", "endfilter", "with q = 1", "endwith",
        "generation", "endgeneration", "break", "continue", "raw", "endraw", "range(3)", "namespace(a=1)", "dict(a=1)", ".items()", ".split('a')", ".strip()", ".format(1)", "[::-1]", "[1:]", "[0]",
        "|tojson", "|length", "|map('upper')", "|map(attribute='a')", "|selectattr('a')", "|join(',')", "|sort", "|first", "|default('z')", "|replace('a','b')", "|indent", "|round", "|int", "|list", "|batch(2)",
        " is string", " is defined", " is mapping", " is divisibleby 3", "loop.index", "loop.nextitem", "raise_exception('r')", "f(1)", "caller()", "varargs", "kwargs", "set ns.a = 1", "recursive",
    ];

    private static readonly Dictionary<string, object?> Variables = ((TemplateDictionary)JsonValues.Of(JsonDocument.Parse(
        """{"m":[{"a":1,"role":"user","content":"Hi"},{"a":"é","role":"assistant","content":null},[1,2.5,"x"]],"d":{"k":[1],"items":2},"x":"a b","n":null,"messages":[{"role":"user","content":"Hi 😀"}],"bos_token":"<s>"}""").RootElement)!)
        .Entries.ToDictionary(entry => (string)entry.Key!, entry => entry.Value);

    private static readonly string[] Known =
    [
        .. Golden.Lines("chat/templates.jsonl").Select(line => JsonDocument.Parse(line).RootElement.GetProperty("template").GetString()!),
        .. new[] { "qwen3", "smollm2" }.Select(name => JsonDocument.Parse(File.ReadAllText(Path.Combine(GoldenTokenizer.Folder(name), "tokenizer_config.json"))).RootElement.GetProperty("chat_template").GetString()!),
    ];

    [Fact]
    public void TwentyThousandRandomTemplates() => Gen.Int[0, Pieces.Length - 1].Select(place => Pieces[place]).Array[0, 40].Select(string.Concat).Sample(Check, iter: Tries);

    [Fact]
    public void TwentyThousandRandomExpressions() => Gen.Int[0, Pieces.Length - 1].Select(place => Pieces[place]).Array[0, 12].Select(pieces => "{{ " + string.Concat(pieces) + " }}").Sample(Check, iter: Tries);

    [Fact]
    public void TwentyThousandChangedTemplates()
    {
        var change = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 100_000], Gen.Int[0, 30], Gen.Int[0, Pieces.Length - 1]);
        Gen.Select(Gen.Int[0, Known.Length - 1], change.Array[1, 4]).Select((template, changes) =>
        {
            string text = Known[template];
            foreach ((int kind, int at, int length, int piece) in changes)
            {
                int place = at % (text.Length + 1);
                int end = Math.Min(text.Length, place + length);
                text = kind switch
                {
                    0 => text.Remove(place, end - place),
                    1 => text.Insert(place, Pieces[piece]),
                    2 => text.Insert(place, text[place..end]),
                    _ => text[..place],
                };
            }

            return text;
        }).Sample(Check, iter: Tries);
    }

    [Fact]
    public void TwentyThousandRandomTexts() => Gen.String[0, 60].Sample(text => Check("{{" + text), iter: Tries);

    private static void Check(string source)
    {
        try
        {
            string first = Template.Parse(source).Render(Variables);
            Assert.Equal(first, Template.Parse(source).Render(Variables));
        }
        catch (TemplateFault fault)
        {
            Assert.True(fault.Line > 0, fault.Message);
            Assert.NotEmpty(fault.Message);
        }
    }
}
