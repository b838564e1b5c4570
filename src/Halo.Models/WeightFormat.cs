namespace Halo.Models;

/// <summary>How the matrices of a model are kept; norms and biases stay as they are.</summary>
public enum WeightFormat
{
    /// <summary>8 bits a weight and one scale a row: <c>w = scale code</c>, code in -127..127.</summary>
    Int8,

    /// <summary>4 bits a weight and one scale for 32 neighbours of a row: <c>w = scale code</c>, code in -8..7.</summary>
    Int4,
}
