using System.Runtime.CompilerServices;
using Halo.Tensors;

namespace Halo.Evaluation.Tests;

internal static class Initializer
{
    [ModuleInitializer]
    internal static void Initialize()
    {
        LibTorch.Initialize();
        TorchSharp.torch.set_num_threads(1); // The models are tiny, and test classes run side by side.
    }
}
