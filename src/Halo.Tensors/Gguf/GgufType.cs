using Halo.Core;

namespace Halo.Tensors;

/// <summary>A tensor type of GGUF files: its number there, values and bytes of a block, and how a block is unpacked.</summary>
/// <param name="Name">GGML's name, lower case.</param>
/// <param name="BlockValues">Values of a block.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
/// <param name="Unpack">Unpacks one block into float32; null for plain types.</param>
internal sealed record GgufType(string Name, int BlockValues, int BlockBytes, GgufType.Unpacker? Unpack)
{
    /// <summary>Unpacks one block.</summary>
    public delegate void Unpacker(ReadOnlySpan<byte> block, Span<float> values);

    private static readonly Dictionary<uint, GgufType> Known = new()
    {
        [0] = new("f32", 1, 4, null),
        [1] = new("f16", 1, 2, null),
        [30] = new("bf16", 1, 2, null),
        [2] = new("q4_0", 32, 18, GgufBlocks.Q40),
        [3] = new("q4_1", 32, 20, GgufBlocks.Q41),
        [6] = new("q5_0", 32, 22, GgufBlocks.Q50),
        [7] = new("q5_1", 32, 24, GgufBlocks.Q51),
        [8] = new("q8_0", 32, 34, GgufBlocks.Q80),
        [10] = new("q2_k", 256, 84, GgufKBlocks.Q2),
        [11] = new("q3_k", 256, 110, GgufKBlocks.Q3),
        [12] = new("q4_k", 256, 144, GgufKBlocks.Q4),
        [13] = new("q5_k", 256, 176, GgufKBlocks.Q5),
        [14] = new("q6_k", 256, 210, GgufKBlocks.Q6),
    };

    private static readonly Dictionary<uint, string> Others = new()
    {
        [9] = "q8_1", [15] = "q8_k", [16] = "iq2_xxs", [17] = "iq2_xs", [18] = "iq3_xxs", [19] = "iq1_s", [20] = "iq4_nl", [21] = "iq3_s", [22] = "iq2_s", [23] = "iq4_xs",
        [24] = "i8", [25] = "i16", [26] = "i32", [27] = "i64", [28] = "f64", [29] = "iq1_m", [34] = "tq1_0", [35] = "tq2_0", [39] = "mxfp4",
    };

    /// <summary>The type of a number.</summary>
    /// <exception cref="HaloException">Halo does not unpack it.</exception>
    public static GgufType Of(uint number, string where) => Known.TryGetValue(number, out GgufType? type)
        ? type
        : throw new HaloException($"the tensor type {Others.GetValueOrDefault(number, $"number {number}")} is not supported", where, $"give a file of {string.Join(", ", Known.Values.Select(known => known.Name))}");
}
