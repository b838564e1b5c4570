namespace Halo.Reporting.Tests;

/// <summary>A folder that goes when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Root = Directory.CreateTempSubdirectory("halo-report-").FullName;

    public string Root { get; }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
