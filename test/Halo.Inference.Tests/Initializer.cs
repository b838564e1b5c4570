using System.Runtime.CompilerServices;
using Halo.Tensors;

namespace Halo.Inference.Tests;

internal static class Initializer
{
    [ModuleInitializer]
    internal static void Initialize() => LibTorch.Initialize();
}
