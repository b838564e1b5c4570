using System.Globalization;
using System.Text;
using Halo.Core;
using Halo.Text;
using Halo.Text.Data;

// Speed of reading and tokenizing a corpus: TOKENIZER-FOLDER CORPUS... Seconds are the processor time of the whole process (collector and compiler
// included), so that other work on the machine does not count.
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: Halo.Text.Bench TOKENIZER-FOLDER CORPUS...");
    return 2;
}

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
try
{
    var tokenizer = HuggingFaceTokenizer.Load(args[0]);
    foreach (string path in args[1..])
    {
        Measure(tokenizer, path);
    }

    return 0;
}
catch (HaloException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}

static void Measure(HuggingFaceTokenizer tokenizer, string path)
{
    // The first pass meets every word anew and compiles; later the words are known, as they are after the first minutes of a large corpus.
    foreach (string pass in new[] { "first pass ", "second pass", "third pass " })
    {
        long bytes = 0, tokens = 0, documents = 0;
        double read = 0, encoded = 0;
        double last = Seconds();
        foreach (Document document in Corpus.Read(path))
        {
            double opened = Seconds();
            tokens += tokenizer.Encode(document.Text).Length;
            read += opened - last;
            last = Seconds();
            encoded += last - opened;
            bytes += Encoding.UTF8.GetByteCount(document.Text);
            documents += document.Continues ? 0 : 1;
        }

        read += Seconds() - last;
        double megabytes = bytes / 1e6;
        Console.WriteLine($"{pass} {Path.GetFileName(path)}: {documents:N0} documents, {megabytes:0.0} MB of text, {tokens:N0} tokens; " +
            $"reading {megabytes / read:0} MB/s, tokenizing {megabytes / encoded:0.0} MB/s, both {megabytes / (read + encoded):0.0} MB/s a core, {tokens / (read + encoded) / 1e6:0.00}M tokens/s a core");
    }
}

static double Seconds() => Environment.CpuUsage.TotalTime.TotalSeconds;
