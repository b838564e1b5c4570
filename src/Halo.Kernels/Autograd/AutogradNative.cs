using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>A shared and a weak pointer to a node of TorchSharp's native library.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct NodeHandle(nint Strong, nint Weak);

/// <summary>Handles of tensors.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct NativeTensors(nint* first, long count)
{
    public readonly nint* First = first;
    public readonly long Count = count;
}

/// <summary>The functions of TorchSharp's native library on which its own custom functions rest.</summary>
internal static unsafe partial class AutogradNative
{
    private const string Library = "LibTorchSharp";

    [ThreadStatic]
    private static nint* _wrapped;

    [ThreadStatic]
    private static int _wrappedCount;

    /// <summary>Gives outputs their node; the tensors returned are new handles of the same data.</summary>
    public static Tensor[] Wrap(NativeTensors inputs, NativeTensors outputs, NodeHandle node)
    {
        if (_wrapped == null)
        {
            _wrapped = (nint*)NativeMemory.Alloc(DifferentiableNode.MostInputs, (nuint)sizeof(nint));
        }

        WrapOutputs(inputs, default, default, outputs, node, &Allocate);
        CheckForErrors();
        var tensors = new Tensor[_wrappedCount];
        for (int i = 0; i < tensors.Length; i++)
        {
            tensors[i] = Tensor.UnsafeCreateTensor(_wrapped[i]);
        }

        return tensors;
    }

    [LibraryImport(Library, EntryPoint = "THSAutograd_CSharpNode_ctor")]
    public static partial NodeHandle Create(nint apply, nint delete);

    [LibraryImport(Library, EntryPoint = "THSAutograd_CSharpNode_setNextEdges")]
    public static partial void SetEdges(NodeHandle node, NativeTensors inputs, [MarshalAs(UnmanagedType.U1)] bool executable);

    [LibraryImport(Library, EntryPoint = "THSAutograd_CSharpNode_clearInputMetadata")]
    public static partial void ClearMetadata(NodeHandle node);

    [LibraryImport(Library, EntryPoint = "THSAutograd_CSharpNode_disposeSharedPtr")]
    public static partial void DisposeStrong(NodeHandle node);

    [LibraryImport(Library, EntryPoint = "THSAutograd_CSharpNode_disposeWeakPtr")]
    public static partial void DisposeWeak(NodeHandle node);

    [LibraryImport(Library, EntryPoint = "THSAutograd_Function_wrapOutputs")]
    private static partial void WrapOutputs(
        NativeTensors inputs, NativeTensors notDifferentiable, NativeTensors dirty, NativeTensors outputs, NodeHandle node, delegate* unmanaged[Cdecl]<nuint, nint*> allocate);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint* Allocate(nuint count)
    {
        _wrappedCount = (int)count;
        return _wrapped;
    }
}
