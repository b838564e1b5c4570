using System.Text;

namespace Halo.Text.Tokenization;

/// <summary>Hands text out as soon as its bytes are certain: .NET's decoder keeps back the beginning of a well-formed sequence only.</summary>
internal sealed class Utf8StreamDecoder(Func<int, byte[]> bytesOf, bool stripsSpace = false) : StreamDecoder
{
    private bool _strips = stripsSpace;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <inheritdoc/>
    public override string Push(int id) => Decode(bytesOf(id), flush: false);

    /// <inheritdoc/>
    public override string End() => Decode([], flush: true);

    private string Decode(byte[] bytes, bool flush)
    {
        char[] characters = new char[_decoder.GetCharCount(bytes, flush)];
        int count = _decoder.GetChars(bytes, 0, bytes.Length, characters, 0, flush);
        int skipped = _strips && count > 0 && characters[0] == ' ' ? 1 : 0;
        _strips &= count == 0;
        return new string(characters, skipped, count - skipped);
    }
}
