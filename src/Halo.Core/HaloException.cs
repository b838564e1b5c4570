namespace Halo.Core;

/// <summary>An error that the user can act on: what was wrong, where, and what to do. The command line prints it without a stack trace and exits with 1.</summary>
public sealed class HaloException : Exception
{
    /// <summary>Creates the error from its three parts.</summary>
    /// <param name="what">What was wrong, as a sentence without a full stop.</param>
    /// <param name="where">File, key, tensor or line concerned.</param>
    /// <param name="remedy">What the user can do.</param>
    /// <param name="inner">The cause, if there is one.</param>
    public HaloException(string what, string? where = null, string? remedy = null, Exception? inner = null)
        : base(Compose(what, where, remedy), inner)
    {
        What = what;
        Where = where;
        Remedy = remedy;
    }

    /// <summary>What was wrong.</summary>
    public string What { get; }

    /// <summary>File, key, tensor or line concerned.</summary>
    public string? Where { get; }

    /// <summary>What the user can do.</summary>
    public string? Remedy { get; }

    private static string Compose(string what, string? where, string? remedy) =>
        what + (where is null ? "" : $"\n  where: {where}") + (remedy is null ? "" : $"\n  do:    {remedy}");
}
