namespace Halo.Tensors;

/// <summary>What is found of libtorch, before or after it is loaded.</summary>
/// <param name="Searched">Folders looked into, in order.</param>
/// <param name="Folder">The folder that will be or was loaded; null if none holds libtorch.</param>
/// <param name="Version">Version as its files tell it; null if they do not.</param>
/// <param name="HasCuda">Whether it is a build with CUDA.</param>
/// <param name="Shim">The copy of TorchSharp's native library that was loaded; null before.</param>
/// <param name="ShimMended">Whether that copy had to be changed so that it loads on systems with an older libstdc++.</param>
internal sealed record LibTorchDescription(IReadOnlyList<string> Searched, string? Folder, string? Version, bool HasCuda, string? Shim, bool ShimMended);
