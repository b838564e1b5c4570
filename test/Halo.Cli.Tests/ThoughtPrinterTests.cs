using CsCheck;
using Halo.Cli.Chat;

namespace Halo.Cli.Tests;

public class ThoughtPrinterTests
{
    [Fact]
    public void TagsInAnyPiecesAreFoundAndNothingIsLost()
    {
        string[] parts = ["<think>", "</think>", "<", "<th", "</", "a", "\n", ">", "<think"];
        Gen.OneOf(Gen.Int[0, parts.Length - 1].Select(part => parts[part]), Gen.String[0, 3]).Array[0, 12].Sample(pieces =>
        {
            string text = string.Concat(pieces);
            Assert.Equal(text, Printed(pieces, dims: false));
            string dimmed = Printed(pieces, dims: true);
            Assert.Equal(Printed([text], dims: true), dimmed);
            Assert.Equal(text, dimmed.Replace("\u001b[2m", "").Replace("\u001b[22m", ""));
            Assert.Equal(dimmed.Split("\u001b[2m").Length, dimmed.Split("\u001b[22m").Length);
        });
    }

    [Fact]
    public void ThoughtsAreDimmed() => Assert.Equal("x\u001b[2m<think>why</think>\u001b[22m so", Printed(["x<thi", "nk>why</thin", "k> so"], dims: true));

    private static string Printed(string[] pieces, bool dims)
    {
        using var output = new StringWriter();
        var printer = new ThoughtPrinter(output, dims);
        foreach (string piece in pieces)
        {
            printer.Write(piece);
        }

        printer.End();
        return output.ToString();
    }
}
