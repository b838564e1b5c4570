using System.Runtime.CompilerServices;
using Halo.Tensors;

// Pipelines share the machine's cores badly, and one test cancels by progress.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Halo.Conversion.Tests;

internal static class Setup
{
    [ModuleInitializer]
    internal static void Initialize()
    {
        LibTorch.Initialize();
        // These tensors are too small to share out.
        TorchSharp.torch.set_num_threads(1);
    }
}
