using System.Text;
using Halo.Core;

namespace Halo.Text.Data;

/// <summary>
/// Reads a text file of any size as one document in pieces. A piece ends after a line break that is followed by no white space: the pre-tokenizers
/// of byte-level BPE cut there too, so the pieces' tokens are those of the whole.
/// </summary>
internal static class TextPieces
{
    /// <summary>Characters from which a piece ends at the next place that allows it.</summary>
    internal const int Piece = 8 << 20;

    public static IEnumerable<Document> Read(string path, int piece = Piece)
    {
        using StreamReader reader = TextFile.Open(path);
        var text = new StringBuilder();
        var buffer = new char[Math.Min(1 << 20, piece)];
        while (TextFile.Guard(path, () => reader.Read(buffer)) is > 0 and int count)
        {
            int cut = text.Length + count >= piece ? LastBreak(buffer.AsSpan(0, count)) : -1;
            if (cut < 0)
            {
                text.Append(buffer, 0, count);
                if (text.Length > Corpus.LongestDocument)
                {
                    throw new HaloException($"the text has no line break within {Corpus.LongestDocument:N0} characters", path, "break its lines, or split it into documents");
                }

                continue;
            }

            text.Append(buffer, 0, cut);
            yield return new Document(path, text.ToString(), Continues: true);
            text.Clear().Append(buffer, cut, count - cut);
        }

        yield return new Document(path, text.ToString());
    }

    /// <summary>The last place within a stretch that stands after a line break and before something visible, or -1.</summary>
    private static int LastBreak(ReadOnlySpan<char> stretch)
    {
        for (int end = stretch.Length - 1; end > 0;)
        {
            int found = stretch[..end].LastIndexOf('\n');
            if (found < 0 || !char.IsWhiteSpace(stretch[found + 1]))
            {
                return found < 0 ? -1 : found + 1;
            }

            end = found;
        }

        return -1;
    }
}
