using System.Runtime.InteropServices;

namespace Halo.Inference;

/// <summary>Ids that the model reads once, and all that is asked of them: requests that differ in their last id alone read the same.</summary>
/// <param name="inputs">Ids read.</param>
internal sealed class ScoringRow(int[] inputs) : IComparable<ScoringRow>
{
    public int[] Inputs => inputs;

    public List<ScoringTarget> Targets { get; } = [];

    /// <summary>Adds a request's continuation, or finds it among those that are there.</summary>
    public void Add(int[] continuation, int request)
    {
        ScoringTarget? target = Targets.Find(known => known.Ids.AsSpan().SequenceEqual(continuation));
        if (target is null)
        {
            target = new ScoringTarget(continuation, inputs.Length - continuation.Length);
            Targets.Add(target);
        }

        target.Requests.Add(request);
    }

    /// <summary>Ids that both rows begin with.</summary>
    public int CommonPrefix(ScoringRow other) => inputs.AsSpan().CommonPrefixLength(other.Inputs);

    /// <summary>The order of a dictionary, so that rows of one beginning lie together.</summary>
    public int CompareTo(ScoringRow? other) => other is null ? 1 : inputs.AsSpan().SequenceCompareTo(other.Inputs);

    /// <summary>Equality of the ids read, for finding the row of a request.</summary>
    internal sealed class SameIds : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? one, int[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(int[] ids)
        {
            var hash = default(HashCode);
            hash.AddBytes(MemoryMarshal.AsBytes(ids.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
