using System.CommandLine;
using System.Text.Json.Nodes;
using Halo.Core;
using Halo.Inference;

namespace Halo.Cli;

/// <summary>Options of commands that write text. What is not given comes from the model's generation_config.json where the command asks for it, else tokens are chosen greedily.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int> _maximum;
    private readonly Option<double?> _temperature;
    private readonly Option<int?> _topK;
    private readonly Option<double?> _topP;
    private readonly Option<double?> _minP;
    private readonly Option<double?> _penalty;
    private readonly Option<long> _seed = CommonOptions.Seed();

    /// <param name="maximum">New tokens at most.</param>
    /// <param name="fromModel">Whether generation_config.json is read: its place is told in the descriptions.</param>
    public SamplingOptions(int maximum, bool fromModel)
    {
        string Or(string plain) => fromModel ? $" (default: what generation_config.json says, else {plain})" : "";
        _maximum = new("--max-tokens") { Description = "New tokens at most.", DefaultValueFactory = _ => maximum };
        _temperature = new("--temperature") { Description = $"0 takes the likeliest token each time{Or("0")}." };
        _topK = new("--top-k") { Description = $"Samples among this many of the likeliest tokens; 0 takes all{Or("0")}." };
        _topP = new("--top-p") { Description = $"Samples among the likeliest tokens whose probabilities sum to this{Or("1")}." };
        _minP = new("--min-p") { Description = $"Samples among tokens at least this many times as likely as the likeliest{Or("0")}." };
        _penalty = new("--repetition-penalty") { Description = $"Above 1, tokens that the text holds become less likely{Or("1")}." };
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _maximum, _temperature, _topK, _topP, _minP, _penalty, _seed })
        {
            command.Add(option);
        }
    }

    /// <summary>What was given; <paramref name="defaults"/> is the model's generation_config.json.</summary>
    public GenerationOptions Read(ParseResult parse, JsonObject? defaults = null)
    {
        bool samples = defaults is not null && Value(defaults, "do_sample", false);
        T Default<T>(string key, T ofModel, T plain) => samples ? Value(defaults!, key, ofModel) : plain;
        return new GenerationOptions
        {
            MaxTokens = parse.GetValue(_maximum),
            Temperature = parse.GetValue(_temperature) ?? Default("temperature", 1.0, 0.0),
            TopK = parse.GetValue(_topK) ?? Default("top_k", 0, 0),
            TopP = parse.GetValue(_topP) ?? Default("top_p", 1.0, 1.0),
            MinP = parse.GetValue(_minP) ?? Default("min_p", 0.0, 0.0),
            RepetitionPenalty = parse.GetValue(_penalty) ?? (defaults is null ? 1 : Value(defaults, "repetition_penalty", 1.0)),
            Seed = parse.GetValue(_seed),
        };
    }

    private static T Value<T>(JsonObject settings, string key, T missing) => settings[key] is JsonValue value && value.TryGetValue(out T? given) ? given : missing;
}
