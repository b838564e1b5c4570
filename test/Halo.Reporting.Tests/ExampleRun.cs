using System.Text.Json;
using System.Text.Json.Nodes;
using Halo.Core;

namespace Halo.Reporting.Tests;

/// <summary>Writes a run folder with made-up but plausible records.</summary>
internal static class ExampleRun
{
    private static readonly long[] Lengths = [1024, 2048, 4096, 8192, 16384, 32768, 65536];

    public static RunFolder Write(string root)
    {
        var run = new RunFolder(root);
        AtomicFile.WriteAllText(run.Recipe, "{\n  // made up\n  \"name\": \"nano\",\n  \"teacher\": \"models/qwen3-nano\",\n  \"stage1\": { \"steps\": 1500, \"row_length\": 512, \"learning_rate\": 1e-3 },\n  \"selection\": { \"method\": \"halo\", \"top\": 3 }\n}\n");
        WriteLines(run.Events, Events());
        WriteLines(run.Results, Results());
        AtomicFile.WriteAllText(run.Selection, JsonSerializer.Serialize(Selection(), HaloJson.Indented));
        AtomicFile.WriteAllText(run.Samples, JsonSerializer.Serialize(Samples(), HaloJson.Indented));
        return run;
    }

    public static void WriteLines<T>(string path, IEnumerable<T> records) =>
        AtomicFile.WriteAllText(path, string.Concat(records.Select(record => JsonSerializer.Serialize(record, HaloJson.Line) + "\n")));

    public static ResultRecord Needle(string model, string task, long length, double? depth, double value, int items, double? yarn = null)
    {
        JsonObject settings = new() { ["length"] = length, ["dtype"] = "float32", ["seed"] = 42 };
        if (depth is not null)
        {
            settings["depth"] = depth;
        }

        if (yarn is not null)
        {
            settings["yarn"] = yarn;
        }

        return new ResultRecord(model, task, depth is null ? "score" : "score_by_depth", value, items > 1 ? Math.Sqrt(value * (1 - value) / (items - 1)) : null, items, settings);
    }

    public static ResultRecord Perplexity(string model, long length, long? position, double value, double? yarn = null)
    {
        JsonObject settings = new() { ["length"] = length, ["text"] = "emma.txt" };
        if (position is not null)
        {
            settings["position"] = position;
        }

        if (yarn is not null)
        {
            settings["yarn"] = yarn;
        }

        return new ResultRecord(model, "perplexity", position is null ? "perplexity" : "perplexity_by_position", value, null, 64, settings);
    }

    public static IEnumerable<RunEvent> Events()
    {
        var noise = new Random(5);
        DateTime time = new(2026, 5, 4, 9, 30, 0, DateTimeKind.Utc);
        foreach ((string stage, int steps, double from, double to, double rate, double rows) in new[] { ("stage1", 1500, 0.9, 0.021, 1e-3, 32768.0), ("stage2", 2000, 1.4, 0.052, 1e-3, 49152), ("stage3", 400, 3.41, 3.28, 1e-4, 262144) })
        {
            yield return new RunEvent(time, stage, "start", 0, []);
            for (int step = 1; step <= steps; step++)
            {
                time = time.AddSeconds(0.12);
                double loss = (to + ((from - to) * Math.Exp(-step / (steps / 9.0)))) * (1 + (0.05 * (noise.NextDouble() - 0.5)));
                double learning = step < 50 ? rate * step / 50 : rate * (0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * step / steps))));
                JsonObject values = new() { ["loss"] = loss, ["learning_rate"] = learning, ["gradient_norm"] = 0.4, ["tokens"] = step * rows, ["tokens_per_second"] = 400_000 };
                if (stage == "stage1")
                {
                    values["relative_error"] = new JsonArray([.. Enumerable.Range(0, 12).Select(layer => (JsonNode)(loss * (1 + (0.5 * Math.Sin(layer)))))]);
                }

                yield return new RunEvent(time, stage, "step", step, values);
                if (stage == "stage2" && step % 200 == 0)
                {
                    yield return new RunEvent(time, stage, "probe", step, new JsonObject { ["probe"] = "recall", ["loss"] = loss * 1.07, ["answers"] = 96, ["digit_accuracy"] = 1 - Math.Exp(-step / 500.0) });
                }
            }
        }
    }

    public static IEnumerable<ResultRecord> Results()
    {
        var noise = new Random(7);
        foreach (string task in new[] { "niah_single_1", "niah_single_2" })
        {
            foreach (long length in Lengths)
            {
                double hard = Math.Log2(length / 1024.0);
                for (int depth = 0; depth <= 100; depth += 10)
                {
                    double Jitter(double mean) => Math.Round(Math.Clamp(mean + (0.12 * (noise.NextDouble() - 0.5)), 0, 1) * 20) / 20;
                    foreach (double factor in new[] { 1.0, 4, 32 })
                    {
                        double mean = factor == 1 ? (length <= 1024 ? 1 : 0) : factor == 4 ? (length <= 4096 ? 0.96 : 0.3 / hard) : 0.99 - (0.05 * hard);
                        yield return Needle("teacher", task, length, depth, Jitter(mean), 20, factor);
                    }

                    yield return Needle("student", task, length, depth, Jitter(1 - ((task == "niah_single_1" ? 0.004 : 0.02) * hard * hard * (depth is > 20 and < 80 ? 0.4 : 0.15))), 20);
                    yield return Needle("untrained", task, length, depth, 0, 20);
                    if (length <= 16384)
                    {
                        yield return Needle("hypenet-nano", task, length, depth, Jitter(0.99 - (0.01 * hard)), 20);
                    }
                }
            }
        }

        foreach (long length in Lengths)
        {
            double octave = Math.Log2(length / 1024.0);
            yield return Perplexity("teacher", length, null, 26.6 + (4.6 * octave * octave), 1);
            yield return Perplexity("teacher", length, null, 27.4 + (0.35 * octave), 32);
            yield return Perplexity("student", length, null, 28.1 - (0.12 * octave));
            yield return Perplexity("untrained", length, null, 4210 + (100 * octave));
            yield return Perplexity("hypenet-nano", length, null, 27.6 - (0.12 * octave));
        }

        for (int position = 1024; position <= 65536; position *= 2)
        {
            double octave = Math.Log2(position / 1024.0);
            yield return Perplexity("teacher", 65536, position, 27.4 + (0.7 * octave), 32);
            yield return Perplexity("student", 65536, position, 28.4 - (0.16 * octave));
            yield return Perplexity("hypenet-nano", 65536, position, 27.9 - (0.14 * octave));
        }

        foreach ((string model, double accuracy) in new[] { ("teacher", 0.231), ("student", 0.224), ("untrained", 0.004), ("hypenet-nano", 0.228) })
        {
            yield return new ResultRecord(model, "lambada_openai", "acc", accuracy, 0.006, 5153, []);
            yield return new ResultRecord(model, "lambada_openai", "perplexity", 40 / accuracy, 1.2 / accuracy, 5153, []);
        }
    }

    private static JsonObject Selection()
    {
        JsonObject ByLayer(Func<int, double> value) => new(Enumerable.Range(0, 12).Select(layer => KeyValuePair.Create(layer.ToString(System.Globalization.CultureInfo.InvariantCulture), (JsonNode?)value(layer))));
        double[] scores = [0.4, 3.1, 0.2, 0.9, 21.5, 0.3, 1.4, 6.2, 980.4, 0.8, 0, 0.5];
        return new JsonObject
        {
            ["method"] = "halo",
            ["layers"] = new JsonArray(4, 7, 8),
            ["scores"] = ByLayer(layer => scores[layer]),
            ["recall"] = ByLayer(layer => layer == 8 ? 0.02 : 0.86 - (0.01 * Math.Min(scores[layer], 30))),
            ["commonsense"] = ByLayer(layer => 0.41 + (0.004 * layer * (layer % 3))),
        };
    }

    private static IEnumerable<TextSample> Samples()
    {
        foreach (string prompt in new[] { "It is a truth universally acknowledged, that", "The old sailor looked out at the <grey> sea & said:" })
        {
            yield return new TextSample("teacher", prompt, " a young man of sense and good fortune must be in want of a house, and that the house must be in want of a garden; for what is a house without one?");
            yield return new TextSample("student", prompt, " every young lady of fortune must be in some degree attached to her neighbours, and that the neighbourhood must be attached to her.\n\n\"My dear,\" said he, \"you have not been to the ball.\"");
            yield return new TextSample("untrained", prompt, " of of the, and and the . . it was the the it");
        }
    }
}
