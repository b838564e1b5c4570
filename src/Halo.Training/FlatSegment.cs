namespace Halo.Training;

/// <summary>Where a weight lies in the flat buffers.</summary>
/// <param name="Name">The weight's name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">First element in the flat buffers.</param>
/// <param name="Count">Number of elements.</param>
/// <param name="Decayed">True for matrices, which weight decay acts on.</param>
internal sealed record FlatSegment(string Name, long[] Shape, long Offset, long Count, bool Decayed);
