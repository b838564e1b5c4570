namespace Halo.Reporting;

/// <summary>A text that a model wrote after a prompt: one entry of samples.json.</summary>
internal sealed record TextSample(string Model, string Prompt, string Text);
