using System.Diagnostics;
using Halo.Kernels.Cpu;

/// <summary>Kernels by themselves.</summary>
internal static unsafe class KernelTimes
{
    public static void Attention(WorkerPool pool)
    {
        foreach ((int heads, int keyHeads, int size) in new[] { (9, 3, 64), (16, 8, 128) })
        {
            const int Length = 8192;
            KeyValueCache[] caches = [.. Enumerable.Range(0, 20).Select(_ => new KeyValueCache(keyHeads, size, CacheValues.BFloat16))];
            Array.ForEach(caches, one => one.Reserve(Length));
            var random = new Random(1);
            using var values = new NativeBlock(heads * size * 4);
            using var o = new NativeBlock(heads * size * 4);
            for (int t = 0; t < Length; t++)
            {
                for (int head = 0; head < keyHeads; head++)
                {
                    for (int d = 0; d < size; d++)
                    {
                        values.Floats[d] = (float)random.NextDouble() - 0.5f;
                    }

                    Array.ForEach(caches, one => one.Set(t, head, values.Floats, values.Floats));
                }
            }

            using var single = new SingleAttention(pool.Count, heads, size);
            double best = 0;
            KeyValueCache cache = caches[0];
            for (int round = 0; round < 100; round++)
            {
                var watch = Stopwatch.StartNew();
                single.Run(pool, caches[round % caches.Length], values.Floats, Length, o.Floats);
                best += watch.Elapsed.TotalSeconds / 100;
            }

            Console.WriteLine($"{heads}/{keyHeads}/{size}: {best * 1e6:F0} us, {cache.Bytes / best / 1e9:F1} GB/s, {best * 1e9 / (Length / 64 * keyHeads):F0} ns a block");
        }
    }
}
