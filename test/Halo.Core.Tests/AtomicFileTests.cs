using Halo.Core;

namespace Halo.Core.Tests;

public class AtomicFileTests
{
    [Fact]
    public void FailureLeavesTheOldFileAndNothingElse()
    {
        string folder = Directory.CreateTempSubdirectory("halo-core-").FullName;
        string path = Path.Combine(folder, "a.txt");
        AtomicFile.WriteAllText(path, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException("stopped");
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder));
        Directory.Delete(folder, true);
    }

    [Fact]
    public void AFolderThatCannotBeWrittenIsAClearError()
    {
        var error = Assert.Throws<HaloException>(() => AtomicFile.WriteAllText("/proc/halo/x", "text"));
        Assert.Contains("/proc/halo/x", error.Message);
    }
}
