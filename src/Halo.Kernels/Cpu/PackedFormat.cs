namespace Halo.Kernels.Cpu;

/// <summary>How a <see cref="PackedMatrix"/> keeps its weights.</summary>
internal enum PackedFormat
{
    /// <summary>As they are.</summary>
    Float32,

    /// <summary>Rounded to bfloat16; the input of a product stays float32.</summary>
    BFloat16,

    /// <summary>Blocks of 32 of a row: <c>w = s (code - 128)</c>; the input of a product is rounded to 8 bits in blocks of 32 too.</summary>
    Int8,

    /// <summary>Blocks of 32 of a row: <c>w = s code + m</c>, code in 0..15; the input as in <see cref="Int8"/>.</summary>
    Int4,
}
