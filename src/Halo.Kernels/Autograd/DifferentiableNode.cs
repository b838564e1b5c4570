using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Kernels;

/// <summary>
/// A node of libtorch's graph whose backward pass is a C# function. libtorch calls it through a function pointer that carries no data,
/// so every node has its own pair of pointers; nodes are used again when libtorch deletes them.
/// </summary>
internal sealed unsafe class DifferentiableNode
{
    private static readonly ConcurrentStack<DifferentiableNode> Free = new();
    private static readonly List<DifferentiableNode> All = []; // libtorch holds pointers to their delegates.
    private static Exception? _failure;

    /// <summary>Gradients that the last backward function on this thread returned: libtorch has copied the handles when it calls the next.</summary>
    [ThreadStatic]
    private static List<Tensor>? _returned;

    private readonly ApplyFunction _apply;
    private readonly DeleteFunction _delete;
    private readonly nint _applyPointer;
    private readonly nint _deletePointer;
    private readonly nint* _gradients = (nint*)NativeMemory.Alloc(MostInputs, (nuint)sizeof(nint));
    private Tensor?[]? _saved;
    private bool[] _needs = [];
    private bool[] _defined = [];
    private GradientFunction? _backward;

    private DifferentiableNode()
    {
        (_apply, _delete) = (Apply, Delete);
        _applyPointer = Marshal.GetFunctionPointerForDelegate(_apply);
        _deletePointer = Marshal.GetFunctionPointerForDelegate(_delete);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate NativeTensors ApplyFunction(nint* gradients, int count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void DeleteFunction();

    /// <summary>Most inputs and most outputs of a node.</summary>
    public const int MostInputs = 32;

    /// <summary>Nodes ever made: the most that were alive at once.</summary>
    public static int Made
    {
        get
        {
            lock (All)
            {
                return All.Count;
            }
        }
    }

    /// <summary>Nodes alive in graphs.</summary>
    public static int Alive => Made - Free.Count;

    /// <summary>What was saved, in the order it was given.</summary>
    public Tensor?[] Saved => _saved ?? throw new InvalidOperationException("a graph with fused operations went backward twice; they keep their tensors for one pass only");

    /// <summary>Whether an input's gradient is wanted.</summary>
    public bool Needs(int input) => _needs[input];

    public static Exception? TakeFailure() => Interlocked.Exchange(ref _failure, null);

    public static DifferentiableNode Rent()
    {
        if (Free.TryPop(out DifferentiableNode? node))
        {
            return node;
        }

        node = new DifferentiableNode();
        lock (All)
        {
            All.Add(node);
        }

        return node;
    }

    /// <summary>Makes the node of outputs; each comes back as a tensor with this node as its origin.</summary>
    public Tensor[] Attach(Tensor[] outputs, Tensor?[] inputs, Tensor?[] saved, GradientFunction backward)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(inputs.Length, MostInputs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(outputs.Length, MostInputs);
        _backward = backward;
        (_needs, _defined) = (new bool[inputs.Length], new bool[inputs.Length]);
        nint* edges = stackalloc nint[inputs.Length], results = stackalloc nint[outputs.Length];
        int count = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is { } input)
            {
                (_defined[i], _needs[i]) = (true, input.requires_grad);
                edges[count++] = input.Handle;
            }
        }

        // Detached, because an output that is saved with its origin would keep itself alive.
        _saved = Array.ConvertAll(saved, tensor => tensor?.detach().DetachFromDisposeScope());
        for (int i = 0; i < outputs.Length; i++)
        {
            results[i] = outputs[i].Handle;
        }

        NodeHandle handle = AutogradNative.Create(_applyPointer, _deletePointer);
        CheckForErrors();
        AutogradNative.SetEdges(handle, new(edges, count), true);
        CheckForErrors();
        AutogradNative.ClearMetadata(handle);
        Tensor[] attached = AutogradNative.Wrap(new(edges, count), new(results, outputs.Length), handle);

        // From here on the outputs keep the node; both handles are ours to free.
        AutogradNative.DisposeStrong(handle);
        AutogradNative.DisposeWeak(handle);
        foreach (Tensor output in outputs)
        {
            output.Dispose();
        }

        return attached;
    }

    private static List<Tensor> FreeReturned()
    {
        List<Tensor> returned = _returned ??= [];
        foreach (Tensor tensor in returned)
        {
            tensor.Dispose();
        }

        returned.Clear();
        return returned;
    }

    /// <summary>Called by libtorch in the backward pass, on any thread. The handles given are ours.</summary>
    private NativeTensors Apply(nint* gradients, int count)
    {
        try
        {
            List<Tensor> returned = FreeReturned();
            using DisposeScope scope = NewDisposeScope();
            var incoming = new Tensor?[count];
            for (int i = 0; i < count; i++)
            {
                incoming[i] = gradients[i] == 0 ? null : Tensor.UnsafeCreateTensor(gradients[i]);
            }

            Tensor?[] outgoing;
            using (no_grad())
            {
                outgoing = _backward!(this, incoming);
            }

            int defined = 0;
            for (int i = 0; i < _defined.Length; i++)
            {
                if (_defined[i])
                {
                    Tensor? gradient = _needs[i] ? outgoing[i] : null;
                    if (gradient is not null)
                    {
                        returned.Add(gradient.DetachFromDisposeScope());
                    }

                    _gradients[defined++] = gradient?.Handle ?? 0;
                }
            }

            FreeSaved();
            return new(_gradients, defined);
        }
        catch (Exception error)
        {
            // An exception must not cross libtorch; without gradients libtorch raises an error of its own.
            _failure = error;
            Console.Error.WriteLine($"halo: a backward pass failed: {error.Message}");
            return default;
        }
    }

    /// <summary>Called by libtorch when nothing refers to the node any more, on any thread.</summary>
    private void Delete()
    {
        FreeSaved();
        _backward = null;
        Free.Push(this);
    }

    private void FreeSaved()
    {
        Tensor?[]? saved = Interlocked.Exchange(ref _saved, null);
        if (saved is not null)
        {
            foreach (Tensor? tensor in saved)
            {
                tensor?.Dispose();
            }
        }
    }
}
