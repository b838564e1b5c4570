using Halo.Core;
using Halo.Kernels.Cuda;

namespace Halo.Kernels.Tests.Cuda;

public sealed class KernelBuildTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-kernels-").FullName;

    private KernelCache Cache => new(_folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void CompilesOnceAndThenReadsTheCache()
    {
        var first = new FakeCompiler();
        byte[] image = new KernelBuild(first, Cache, "13.0").Image("probe.cu", [], 90);
        var second = new FakeCompiler();
        Assert.Equal(image, new KernelBuild(second, Cache, "13.0").Image("probe.cu", [], 90));
        Assert.Equal((1, 0), (first.Calls, second.Calls));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void AskedAgainItCompilesAndReplaces()
    {
        var compiler = new FakeCompiler();
        var build = new KernelBuild(compiler, Cache, "13.0");
        build.Image("probe.cu", [], 90);
        byte[] fresh = build.Image("probe.cu", [], 90, again: true);
        Assert.Equal(2, compiler.Calls);
        Assert.Equal(fresh, build.Image("probe.cu", [], 90));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(42)]
    [InlineData(-1)]
    public void ADamagedFileIsCompiledAnewAndReplaced(int at)
    {
        var compiler = new FakeCompiler();
        var build = new KernelBuild(compiler, Cache, "13.0");
        build.Image("probe.cu", [], 90);
        string file = Assert.Single(Directory.GetFiles(_folder));
        byte[] bytes = File.ReadAllBytes(file);
        if (at < 0)
        {
            bytes = bytes[..20]; // cut off
        }
        else
        {
            bytes[at] ^= 1;
        }

        File.WriteAllBytes(file, bytes);
        byte[] image = build.Image("probe.cu", [], 90);
        Assert.Equal(2, compiler.Calls);
        Assert.Equal(image, build.Image("probe.cu", [], 90));
        Assert.Equal(2, compiler.Calls);
    }

    [Fact]
    public void AFolderThatCannotBeWrittenDoesNoHarm()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var compiler = new FakeCompiler();
        var cache = new KernelCache(Path.Combine(file, "below"));
        Assert.NotEmpty(new KernelBuild(compiler, cache, "13.0").Image("probe.cu", [], 90));
        Assert.False(cache.Write("key", [1]));
        Assert.Null(cache.Read("key"));
    }

    [Fact]
    public void TheKeyKnowsAllThatMatters()
    {
        var build = new KernelBuild(new FakeCompiler(), Cache, "13.0");
        string text = KernelSources.Text("probe.cu");
        string Key(KernelBuild with, string source, int capability, params (string, string)[] defines) => with.Key("probe.cu", source, with.Options(source, defines, capability));
        string[] keys =
        [
            Key(build, text, 90),
            Key(build, text + " ", 90),
            Key(build, text, 86),
            Key(build, text, 90, ("D", "64")),
            Key(build, text, 90, ("D", "128")),
            Key(build, text, 90, ("D", "64"), ("E", "1")),
            Key(new KernelBuild(new FakeCompiler { Version = "fake 1.1" }, Cache, "13.0"), text, 90),
            Key(new KernelBuild(new FakeCompiler(), Cache, "12.8"), text, 90),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], Key(build, text, 90));
    }

    [Theory]
    [InlineData(80, "sm_80")]
    [InlineData(86, "sm_86")]
    [InlineData(90, "sm_90a")]
    [InlineData(100, "compute_90")]
    [InlineData(89, "compute_86")]
    public void TheArchitectureIsTheCardsOrTheNewestBelow(int capability, string expected) =>
        Assert.Equal(expected, new KernelBuild(new FakeCompiler(), Cache, "13.0").Architecture(capability));

    [Fact]
    public void ACompilerThatIsTooNewForTheCardSaysSo()
    {
        var error = Assert.Throws<HaloException>(() => new KernelBuild(new FakeCompiler(), Cache, "13.0").Architecture(75));
        Assert.Contains("fake 1.0 makes no code for compute capability 7.5", error.Message);
    }

    [Fact]
    public void AnErrorCarriesTheLogTheFileTheArchitectureAndTheOptions()
    {
        var build = new KernelBuild(new FakeCompiler { Error = "probe.cu(3): error: identifier \"y\" is undefined\n" }, Cache, "13.0");
        var error = Assert.Throws<HaloException>(() => build.Image("probe.cu", [("D", "64")], 90));
        Assert.Contains("probe.cu(3): error: identifier \"y\" is undefined", error.What);
        Assert.Contains("probe.cu do not compile for sm_90a", error.What);
        Assert.Contains("fake 1.0", error.Where);
        Assert.Contains("-DD=64", error.Where);
        Assert.Contains("HALO_KERNELS=plain", error.Remedy);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void AFileCanAskForOptions()
    {
        const string Text = "// a kernel\n//! option --use_fast_math\n//! option --maxrregcount=64\nint x;\n";
        IReadOnlyList<string> options = new KernelBuild(new FakeCompiler(), Cache, "13.0").Options(Text, [], 90);
        Assert.Contains("--use_fast_math", options);
        Assert.Contains("--maxrregcount=64", options);
        Assert.Contains("--gpu-architecture=sm_90a", options);
    }
}
