using System.Runtime.CompilerServices;
using Halo.Tensors;

namespace Halo.Evaluation.Tests;

internal static class Initializer
{
    [ModuleInitializer]
    internal static void Initialize() => LibTorch.Initialize();
}
