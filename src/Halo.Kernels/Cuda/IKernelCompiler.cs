namespace Halo.Kernels.Cuda;

/// <summary>Compiles CUDA C++.</summary>
internal interface IKernelCompiler
{
    /// <summary>Its name and version, part of the cache's keys, like "NVRTC 13.0".</summary>
    string Version { get; }

    /// <summary>Compute capabilities it makes code for, as 80 for 8.0.</summary>
    IReadOnlyList<int> Capabilities { get; }

    /// <summary>Compiles one file.</summary>
    /// <param name="name">File name, for messages.</param>
    /// <param name="source">Text.</param>
    /// <param name="headers">Files that it may include, by name.</param>
    /// <param name="options">Options of the command line.</param>
    /// <returns>What can be loaded (null where there were errors) and what the compiler said.</returns>
    (byte[]? Image, string Log) Compile(string name, string source, IReadOnlyDictionary<string, string> headers, IReadOnlyList<string> options);
}
