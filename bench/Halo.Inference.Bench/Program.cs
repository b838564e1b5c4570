using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Text.Json;
using Halo.Inference;
using Halo.Kernels.Cpu;
using Halo.Models;
using Halo.Tensors;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

// One JSON object a line:
//   bandwidth                                            what the machine reads a second
//   speed MODEL FORMAT LENGTHS TOKENS                    prompt and decode, tokens a second, at each length (with BENCH_FILL=1 all but the prompt's last 1,024 tokens are
//                                                        zeros in the cache, not read)
// BENCH_THREADS sets the workers. With one, processor seconds are a measure that a busy machine leaves alone.
//   perplexity MODEL FORMAT TEXT WINDOW WINDOWS          of a text, windows behind one another
// MODEL: a folder, or random:qwen3-0.6b, random:smollm2-135m, random:hypenet-135m. FORMAT: float32, bfloat16, int8, int4.
LibTorch.Initialize();
string? threads = Environment.GetEnvironmentVariable("BENCH_THREADS");
WorkerPool pool = threads is null ? WorkerPool.Shared : new WorkerPool(int.Parse(threads));
if (args[0] == "attention")
{
    KernelTimes.Attention(pool);
    return;
}

if (args[0] == "bandwidth")
{
    Print(new { bandwidth = Bandwidth(pool) });
    return;
}

using CpuRunner runner = Make(args[1], args[2], pool);
if (args[0] == "perplexity")
{
    int window = int.Parse(args[4]), windows = int.Parse(args[5]);
    HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(args[1]);
    int[] ids = [.. tokenizer.Encode(File.ReadAllText(args[3])[..(window * windows * 8)]).Take(window * windows)];
    (double sum, int count) = (0, 0);
    foreach (int[] part in ids.Chunk(window).Where(part => part.Length == window))
    {
        using ISequenceCache cache = runner.Allocate(1, window)[0];
        int scored = window / 2;
        using (runner.Prefill([cache], [part.AsMemory(0, scored)], false))
        {
            for (int t = scored; t < window; t++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor logits = runner.Decode([cache], tensor(new long[] { part[t] }));
                if (t + 1 < window)
                {
                    sum -= logits.log_softmax(-1)[0, part[t + 1]].item<float>();
                    count++;
                }
            }
        }
    }

    Print(new { model = args[1], format = args[2], window, tokens = count, perplexity = Math.Exp(sum / count) });
    return;
}

foreach (int length in args[3].Split(',').Select(int.Parse))
{
    var random = new Random(1);
    int[] prompt = [.. Enumerable.Range(0, length).Select(_ => random.Next(runner.Configuration.VocabSize))];
    using ISequenceCache cache = runner.Allocate(1, length + 256)[0];
    int read = length - 1;
    if (Environment.GetEnvironmentVariable("BENCH_FILL") is not null)
    {
        read = Math.Min(1024, read);
        var own = (CpuCache)cache;
        own.Reserve(length);
        own.Length = length - 1 - read;
    }

    TimeSpan cpu = Process.GetCurrentProcess().TotalProcessorTime;
    double Cpu()
    {
        TimeSpan before = cpu;
        cpu = Process.GetCurrentProcess().TotalProcessorTime;
        return (cpu - before).TotalSeconds;
    }

    var watch = Stopwatch.StartNew();
    runner.Prefill([cache], [prompt.AsMemory(0, read)], false);
    double prefill = read / watch.Elapsed.TotalSeconds;
    double cpuPrefill = read / Cpu();
    int tokens = int.Parse(args[4]);
    long next = prompt[^1];
    var times = new List<double>();
    for (int t = 0; t <= tokens; t++)
    {
        watch.Restart();
        using Tensor ids = tensor(new[] { next });
        using Tensor logits = runner.Decode([cache], ids);
        next = logits.argmax(-1).item<long>();
        if (t > 0)
        {
            times.Add(watch.Elapsed.TotalSeconds);
        }
    }

    double cpuDecode = times.Count / Cpu();
    double mean = times.Average(), bytes = runner.WeightBytes + runner.CacheBytes(length);
    Print(new
    {
        model = args[1], format = args[2], length, prefillTokensPerSecond = prefill, decodeTokensPerSecond = 1 / mean, medianDecodeTokensPerSecond = 1 / times.Order().ElementAt(times.Count / 2),
        bytesPerToken = bytes, gigabytesPerSecond = bytes / mean / 1e9, medianGigabytesPerSecond = bytes / times.Order().ElementAt(times.Count / 2) / 1e9, bandwidth = Bandwidth(pool),
        prefillTokensPerProcessorSecond = cpuPrefill, decodeTokensPerProcessorSecond = cpuDecode, threads = pool.Count,
    });
}

static void Print(object value) => Console.WriteLine(JsonSerializer.Serialize(value));

static unsafe double Bandwidth(WorkerPool pool)
{
    const long Bytes = 1L << 30;
    using var block = new NativeBlock(Bytes);
    double best = 0;
    for (int round = 0; round < 4; round++)
    {
        var watch = Stopwatch.StartNew();
        const int Pieces = 64;
        pool.Each(Pieces, piece =>
        {
            byte* at = block.Pointer + (Bytes / Pieces * piece), end = at + (Bytes / Pieces);
            Vector512<byte> a = default, b = default, c = default, d = default;
            for (; at < end; at += 256)
            {
                a |= Vector512.Load(at);
                b |= Vector512.Load(at + 64);
                c |= Vector512.Load(at + 128);
                d |= Vector512.Load(at + 192);
            }

            if ((a | b | c | d) != default)
            {
                throw new InvalidOperationException("zeros were written");
            }
        });
        best = Math.Max(best, Bytes / watch.Elapsed.TotalSeconds / 1e9);
    }

    return best;
}

static CpuRunner Make(string model, string formatName, WorkerPool pool)
{
    PackedFormat format = Enum.Parse<PackedFormat>(formatName, ignoreCase: true);
    if (!model.StartsWith("random:", StringComparison.Ordinal))
    {
        return CpuRunner.Load(model, ScalarType.Float32, format, 0, CpuPaths.Best, pool);
    }

    ModelConfiguration configuration = model["random:".Length..] switch
    {
        "qwen3-0.6b" => Shape("qwen3", 151936, 1024, 3072, 28, 16, 8, 128, _ => MixerType.Attention),
        "smollm2-135m" => Shape("llama", 49152, 576, 1536, 30, 9, 3, 64, _ => MixerType.Attention) with { AttnUseQkNorm = false },
        "hypenet-135m" => Shape("hypenet", 49152, 576, 1536, 30, 9, 3, 64, layer => layer % 4 == 2 ? MixerType.Attention : MixerType.Lightning) with
        {
            AttnUseRope = false, AttnUseOutputGate = true, AttnLogitsScaling = LogitsScaling.Hype(500), LightningNh = 9, LightningNkv = 9, LightningHeadDim = 64,
        },
        string other => throw new ArgumentException($"no shape {other}"),
    };
    IReadOnlyDictionary<string, long[]> shapes = CausalLm.Shapes(configuration);
    return new CpuRunner(configuration, format, name => shapes[name].Length == 1 ? ones(shapes[name]) : randn(shapes[name]) * 0.02, 0, CpuPaths.Best, pool);
}

static ModelConfiguration Shape(string type, int vocabulary, int d, int inner, int layers, int heads, int keyHeads, int size, Func<int, MixerType> mixer) => new()
{
    ModelType = type, VocabSize = vocabulary, HiddenSize = d, IntermediateSize = inner, NumHiddenLayers = layers, NumAttentionHeads = heads, NumKeyValueHeads = keyHeads, HeadDim = size,
    TieWordEmbeddings = true, MixerTypes = [.. Enumerable.Range(0, layers).Select(mixer)],
};
