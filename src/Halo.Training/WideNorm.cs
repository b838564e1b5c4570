using Halo.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>Euclidean norm of a bfloat16 tensor, summed and given in float32 without a float32 copy of the tensor.</summary>
internal static class WideNorm
{
    // 6 is float32.
    private const string Script = """
        def wide_norm(x: Tensor) -> Tensor:
          return torch.linalg_vector_norm(x, 2, None, False, dtype=6)

        """;

    private const long Slice = 1L << 26;
    private static readonly Lazy<jit.CompilationUnit?> Unit = new(() => Fused.Compile(Script));

    /// <summary>Whether libtorch does it in one pass.</summary>
    public static bool IsKnown => Unit.Value is not null;

    /// <summary>Norm of a flat tensor, 0-dimensional.</summary>
    public static Tensor Of(Tensor flat)
    {
        if (IsKnown)
        {
            return Unit.Value!.invoke<Tensor>("wide_norm", flat);
        }

        using DisposeScope scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long start = 0; start < flat.numel(); start += Slice)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor part = flat.narrow(0, start, Math.Min(Slice, flat.numel() - start)).to(ScalarType.Float32);
            parts.Add(linalg.vector_norm(part).MoveToOuterDisposeScope());
        }

        return linalg.vector_norm(stack(parts)).MoveToOuterDisposeScope();
    }
}
