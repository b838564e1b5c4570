using System.Runtime.CompilerServices;
using Halo.Tensors;

// Tests that count tensors or start processes want the machine to themselves.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Halo.Training.Tests;

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
