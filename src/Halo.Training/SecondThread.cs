using System.Collections.Concurrent;
using Halo.Kernels.Cuda;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// One thread beside the trainer's that hands work to the device, in the order it was given. A step of a small model is thousands of calls whose
/// launching takes longer than the device's work: two threads launch independent work on the device's one queue. The thread stays, since libtorch
/// keeps handles and workspaces for each thread.
/// </summary>
internal static class SecondThread
{
    /// <summary>Elements of an activation (B,T,d) above which the device's work takes longer than its launches.</summary>
    private const long MostElements = 1L << 24;

    private static readonly string? Wanted = Environment.GetEnvironmentVariable("HALO_LAUNCH_THREADS");
    private static readonly BlockingCollection<Action> Waiting = [];
    private static readonly Lazy<Thread> Running = new(Start);

    /// <summary>Whether two threads pay for activations of this shape; not while a step is timed by parts or kernels are checked one by one.</summary>
    /// <param name="device">Where the work is done.</param>
    /// <param name="elements">Elements of an activation.</param>
    /// <param name="usual">Whether they pay where HALO_LAUNCH_THREADS says neither 1 nor 2: measured for stage 1, not for stage 2.</param>
    public static bool Pays(Device device, long elements, bool usual) =>
        device.type == TorchSharp.DeviceType.CUDA && PaysOnGpu(elements, usual) && StepClock.Current is null && !CudaKernels.Checked;

    /// <summary>The same for any GPU, before a step is made.</summary>
    public static bool PaysOnGpu(long elements, bool usual) => (Wanted is "1" or "2" ? Wanted == "2" : usual) && elements <= MostElements;

    /// <summary>
    /// Does work on the thread, in a dispose scope of its own and with gradients enabled. Tensors that go in or out must belong to no dispose scope
    /// while both threads know them: scopes belong to their threads.
    /// </summary>
    public static Task<T> Run<T>(Func<T> work)
    {
        _ = Running.Value;
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Waiting.Add(() =>
        {
            T result;
            try
            {
                using TorchSharp.DisposeScope scope = NewDisposeScope();
                result = work();
            }
            catch (Exception error)
            {
                done.SetException(error);
                return;
            }

            done.SetResult(result);
        });
        return done.Task;
    }

    private static Thread Start()
    {
        var thread = new Thread(() =>
        {
            foreach (Action work in Waiting.GetConsumingEnumerable())
            {
                work();
            }
        }) { IsBackground = true, Name = "second launcher" };
        thread.Start();
        return thread;
    }
}
