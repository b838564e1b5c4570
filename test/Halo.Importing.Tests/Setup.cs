using System.Runtime.CompilerServices;
using Halo.Tensors;

namespace Halo.Importing.Tests;

internal static class Setup
{
    [ModuleInitializer]
    internal static void Initialize() => LibTorch.Initialize();
}
