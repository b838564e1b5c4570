namespace Halo.Inference;

/// <summary>Continues prompts of token ids.</summary>
public interface IGenerator
{
    /// <summary>Continues every prompt; all go through the model as one batch.</summary>
    /// <param name="prompts">Token ids, at least one each; lengths may differ.</param>
    /// <param name="options">How to write.</param>
    /// <param name="cancellation">Stops between tokens and between prefill blocks with <see cref="OperationCanceledException"/>.</param>
    /// <param name="onToken">Called with (row, id) as soon as an id is known.</param>
    /// <returns>New ids of each row, stop ids left out.</returns>
    /// <exception cref="Core.HaloException">A prompt is empty, too long, or holds an id outside the vocabulary; an option is out of range.</exception>
    int[][] Generate(IReadOnlyList<int[]> prompts, GenerationOptions options, CancellationToken cancellation = default, Action<int, int>? onToken = null);

    /// <summary>Rows that fit into memory together, each of <paramref name="length"/> ids (prompt and new ones); at least 1.</summary>
    int RowsThatFit(int length);
}
