using Halo.Inference;

namespace Halo.Cli.Chat;

/// <summary>How a conversation is led.</summary>
/// <param name="System">The system message, if there is one.</param>
/// <param name="Thinking">False tells the template <c>enable_thinking=false</c>; null tells it nothing.</param>
/// <param name="Options">How answers are written.</param>
internal sealed record ChatSettings(string? System, bool? Thinking, GenerationOptions Options);
