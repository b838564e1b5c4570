using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Evaluation.Tests;

public sealed class WikitextTests : IDisposable
{
    private readonly string folder = TestContexts.TemporaryFolder();

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void TextsWindowsWordsAndBytesAreTheHarnesss()
    {
        int windows = 0;
        foreach (JsonObject record in GoldenItems.Records("wikitext"))
        {
            string page = record["page"]!.GetValue<string>();
            Assert.Equal(record["text"]!.GetValue<string>(), WikitextPages.Detokenize(page));
            Assert.Equal(record["words"]!.GetValue<int>(), WikitextPages.Words(page));
            Assert.Equal(record["bytes"]!.GetValue<int>(), System.Text.Encoding.UTF8.GetByteCount(page));
            int[] ids = GoldenItems.Tokenizer.Encode(WikitextPages.Detokenize(page));
            IReadOnlyList<ScoringRequest> made = RollingWindows.Make(RollingWindows.Prefix(GoldenItems.Tokenizer), ids, record["max_length"]!.GetValue<int>());
            Assert.Equal(record["windows"]!.AsArray().Select(window => GoldenItems.Ids(window!["context_ids"])), made.Select(window => window.Context));
            Assert.Equal(record["windows"]!.AsArray().Select(window => GoldenItems.Ids(window!["continuation_ids"])), made.Select(window => window.Continuation));
            windows += made.Count;
        }

        Assert.Equal(7, windows);
        foreach (JsonObject record in GoldenItems.Records("prompts").Where(record => record["task"]!.GetValue<string>() == "wikitext"))
        {
            Assert.Equal(record["text"]!.GetValue<string>(), WikitextPages.Detokenize(record["doc"]!["page"]!.GetValue<string>()));
        }
    }

    [Fact]
    public void PagesBeginAtTitlesWhateverTheFileHolds()
    {
        string[] pages = [.. GoldenItems.Records("wikitext").Select(record => record["page"]!.GetValue<string>()).Distinct()];
        string text = " \n" + string.Join("\n", pages);
        string plain = Path.Combine(folder, "wiki.txt"), lines = Path.Combine(folder, "lines.jsonl"), whole = Path.Combine(folder, "pages.jsonl");
        File.WriteAllText(plain, text);
        File.WriteAllLines(lines, text.Split('\n').Select(line => new JsonObject { ["text"] = line + "\n" }.ToJsonString()));
        File.WriteAllLines(whole, pages.Select(page => new JsonObject { ["page"] = page }.ToJsonString()));
        Assert.Equal(2, pages.Length);
        Assert.Equal(pages, WikitextTask.Pages([plain]));
        Assert.Equal(pages, WikitextTask.Pages([whole]));
        Assert.Equal(pages.Select(page => page.TrimEnd('\n', ' ')), WikitextTask.Pages([lines]).Select(page => page.TrimEnd('\n', ' ')));
    }

    [Fact]
    public void PerplexitiesAreByTheFilesWordsAndBytes()
    {
        string path = Path.Combine(folder, "wiki.txt");
        File.WriteAllText(path, " = A = \n one , two");
        var options = new EvaluationOptions { Tasks = ["wikitext"], WikitextPath = path };
        IReadOnlyList<ResultRecord> records = EvaluationRunner.Run(TestContexts.Make(options) with { MaximumLength = 5 });

        // "= A =\none, two": 14 characters, each an id that costs 1; 8 words, the empty ones at the ends of the page counted; 18 bytes.
        Assert.Equal(Math.Exp(15.0 / 7), records.One("word_perplexity").Value, 1e-9);
        Assert.Equal(Math.Exp(15.0 / 18), records.One("byte_perplexity").Value, 1e-9);
        Assert.Equal(15.0 / 18 / Math.Log(2), records.One("bits_per_byte").Value, 1e-9);
        Assert.Null(records.One("word_perplexity").Stderr);
        Assert.Throws<HaloException>(() => EvaluationRunner.Run(TestContexts.Make(options with { WikitextPath = path + "x" })));
    }
}
