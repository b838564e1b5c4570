using System.Reflection;
using Halo.Testing;
using PublicApiGenerator;

namespace Halo.Architecture.Tests;

/// <summary>docs/api lists what is public, so that a change of it is seen in a change's diff. tools/update-api.sh writes the lists anew.</summary>
public class PublicSurfaceTests
{
    private static readonly string Folder = Path.GetFullPath(Path.Combine(Golden.Folder, "..", "..", "docs", "api"));

    public static TheoryData<string> Rooms => RoomTests.Rooms;

    [Theory]
    [MemberData(nameof(Rooms))]
    public void ThePublicSurfaceIsTheListedOne(string room)
    {
        string actual = Assembly.Load(room).GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false }).ReplaceLineEndings("\n").TrimEnd() + "\n";
        string path = Path.Combine(Folder, room + ".txt");
        if (Environment.GetEnvironmentVariable("HALO_UPDATE_API") == "1")
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllText(path, actual);
        }

        string[] listed = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] lines = actual.TrimEnd('\n').Split('\n');
        string[] changes = [.. listed.Except(lines).Select(line => "- " + line.Trim()), .. lines.Except(listed).Select(line => "+ " + line.Trim())];
        Assert.True(listed.SequenceEqual(lines), $"docs/api/{room}.txt is not what is public; if the change is meant, run tools/update-api.sh\n{string.Join('\n', changes.Take(20))}");
    }
}
