namespace Halo.Kernels.Decoding;

/// <summary>What happens to the result of a product of a decoding step; numbered as the kernels' definition EPILOGUE.</summary>
internal enum DecodeEpilogue
{
    /// <summary>It is kept.</summary>
    Store = 0,

    /// <summary>It is added to what is there.</summary>
    Add = 1,

    /// <summary>silu of the first matrix's times the second's.</summary>
    SwiGlu = 2,

    /// <summary>It is kept as float32.</summary>
    Logits = 3,
}
