namespace Halo.Tensors;

/// <summary>A native library that was found.</summary>
/// <param name="Path">Where.</param>
/// <param name="Version">What it answers when asked for its version; null if it could not be loaded or asked.</param>
internal sealed record NativeLibraryDescription(string Path, string? Version);
