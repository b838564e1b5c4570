using Halo.Models;

namespace Halo.Inference;

/// <summary>What reading and writing tokens costs at least, whoever computes it: the figures that measured times are compared with.</summary>
/// <param name="configuration">The model.</param>
/// <param name="bytesPerWeight">Bytes of a weight.</param>
/// <param name="bytesPerEntry">Bytes of an entry of keys and values.</param>
public sealed class InferenceCosts(ModelConfiguration configuration, double bytesPerWeight, double bytesPerEntry)
{
    private const int Chunk = 128;
    private readonly int _attention = configuration.AttentionLayers.Count();

    /// <summary>Weights that every token goes through: all but the embedding, of which one row is read; the head counts.</summary>
    public long StreamedWeights { get; } = CausalLm.Shapes(configuration)
        .Where(shape => configuration.TieWordEmbeddings || shape.Key != "model.embed_tokens.weight")
        .Sum(shape => shape.Value.Aggregate(1L, (product, size) => product * size));

    /// <summary>Bytes that one step of <paramref name="batch"/> sequences moves: the weights once, keys and values once, states read and written.</summary>
    /// <param name="batch">Sequences.</param>
    /// <param name="context">Tokens that each has read.</param>
    public double DecodeBytes(int batch, long context)
    {
        double keysAndValues = 2.0 * _attention * configuration.NumKeyValueHeads * configuration.HeadDim * bytesPerEntry * context;
        double states = 8.0 * Linear * configuration.LightningNh * configuration.LightningHeadDim * configuration.LightningHeadDim;
        return (StreamedWeights * bytesPerWeight) + (batch * (keysAndValues + states));
    }

    /// <summary>Operations (a multiplication and an addition are two) of reading a prompt with logits for its last token: products with weights; attention over half of the square; linear layers in chunks of 128.</summary>
    /// <param name="tokens">Tokens of the prompt.</param>
    public double PrefillOperations(long tokens)
    {
        double head = (double)configuration.VocabSize * configuration.HiddenSize;
        double products = (2.0 * (StreamedWeights - head) * tokens) + (2 * head);
        double attention = 2.0 * _attention * configuration.NumAttentionHeads * configuration.HeadDim * tokens * tokens;
        double linear = Linear * (double)configuration.LightningNh * configuration.LightningHeadDim * ((4.0 * configuration.LightningHeadDim) + (2.0 * Chunk)) * tokens;
        return products + attention + linear;
    }

    private int Linear => configuration.NumHiddenLayers - _attention;
}
