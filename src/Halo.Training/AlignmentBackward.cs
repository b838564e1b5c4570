using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>Losses of the layers of stage 1 and their way back through the mixers: at once, or on <see cref="SecondThread"/> while the next layers go forward.</summary>
/// <param name="share">Factor of the losses.</param>
/// <param name="beside">Whether the second thread does it.</param>
internal sealed class AlignmentBackward(double share, bool beside) : IDisposable
{
    // Graphs of more layers at once would only cost memory.
    private const int MostWaiting = 2;

    /// <summary>Graphs of layers alive at once where the second thread goes backward: those that wait or run, and the one that is being made.</summary>
    public const int MostGraphs = MostWaiting + 1;

    private readonly List<(Tensor Loss, Tensor RelativeError)> _done = [];
    private readonly Queue<Task<(Tensor Loss, Tensor RelativeError)>> _waiting = new();

    /// <summary>Takes a layer: the output of the student's mixer, which is freed, and the teacher's, which is not.</summary>
    public void Add(Tensor mixed_BTd, Tensor target_BTd)
    {
        if (!beside)
        {
            using DisposeScope scope = NewDisposeScope();
            _done.Add(Run(mixed_BTd, target_BTd));
            return;
        }

        while (_waiting.Count >= MostWaiting)
        {
            TakeOldest();
        }

        Tensor mixed = mixed_BTd.DetachFromDisposeScope(), target = target_BTd.alias().DetachFromDisposeScope();
        _waiting.Enqueue(SecondThread.Run(() => Run(mixed, target, target)));
    }

    /// <summary>Losses and relative errors of all layers in order, (layers), in the current dispose scope.</summary>
    public (Tensor Losses, Tensor RelativeErrors) Finish()
    {
        while (_waiting.Count > 0)
        {
            TakeOldest();
        }

        return (stack(_done.Select(layer => layer.Loss)), stack(_done.Select(layer => layer.RelativeError)));
    }

    /// <summary>Waits for the other thread, which reads what the caller frees next.</summary>
    public void Dispose()
    {
        while (_waiting.TryDequeue(out Task<(Tensor, Tensor)>? task))
        {
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
            if (task.IsCompletedSuccessfully)
            {
                _done.Add(task.Result);
            }
        }

        foreach ((Tensor loss, Tensor error) in _done)
        {
            loss.Dispose();
            error.Dispose();
        }
    }

    private void TakeOldest() => _done.Add(_waiting.Dequeue().GetAwaiter().GetResult());

    private (Tensor Loss, Tensor RelativeError) Run(Tensor mixed_BTd, Tensor target_BTd, Tensor? freed = null)
    {
        try
        {
            (Tensor loss, Tensor error) = Backward(mixed_BTd, target_BTd, share);
            return (loss.DetachFromDisposeScope(), error.DetachFromDisposeScope());
        }
        finally
        {
            mixed_BTd.Dispose();
            freed?.Dispose();
        }
    }

    /// <summary>share * mean((y - t)^2) with its gradient share * 2 (y - t) / numel, sent back through the mixer at once.</summary>
    private static (Tensor Loss, Tensor RelativeError) Backward(Tensor mixed_BTd, Tensor target_BTd, double share)
    {
        Tensor gradient_BTd, loss, error;
        using (no_grad())
        {
            ScalarType wide = mixed_BTd.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            Tensor target = target_BTd.to(wide);
            Tensor difference_BTd = mixed_BTd.detach().to(wide) - target;
            loss = difference_BTd.square().mean().mul_(share);
            error = loss / target.var(unbiased: false);
            gradient_BTd = difference_BTd.mul_(2 * share / difference_BTd.numel()).to(mixed_BTd.dtype);
        }

        StepClock.Mark(StepPart.Loss);
        mixed_BTd.backward([gradient_BTd]);
        return (loss, error);
    }
}
