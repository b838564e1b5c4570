namespace Halo.Text.Tokenization;

/// <summary>Turns the text between added tokens into ids; each kind of tokenizer.json has its own.</summary>
internal interface IStretchEncoder
{
    /// <summary>Appends the ids of a stretch.</summary>
    void Encode(string stretch, List<int> ids);

    /// <summary>The bytes that a vocabulary entry stands for.</summary>
    byte[] BytesOf(string entry);
}
