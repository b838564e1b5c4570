using System.Runtime.InteropServices;

namespace Halo.Kernels.Decoding;

/// <summary>A layer as decode_step.cu has it in memory, its <c>Layer</c>: addresses of matrices (queries, keys, values, gates; output; gate, up; down), of their scales and biases, and so on.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StepLayout
{
    public fixed long Weights[8];
    public fixed long Scales[8];
    public fixed long Biases[8];
    public long InputNorm;
    public long QueryNorm;
    public long KeyNorm;
    public long OutputNorm;
    public long PostNorm;
    public long Frequencies;
    public long Table;
    public fixed int Ends[4];
    public fixed int Shifts[4];
    public int IsAttention;
    public int KeyOffset;
    public int ValueOffset;
    public int GateOffset;
    public float Amplitude;
    public int Spare;
}
