namespace Halo.Inference;

/// <summary>Why a generation ended.</summary>
public enum EndReason
{
    /// <summary>A stop id was chosen.</summary>
    StopId,

    /// <summary>As many tokens as were asked for.</summary>
    Length,

    /// <summary>The caller said so, by <see cref="GenerationOptions.EndsRow"/>.</summary>
    Caller,

    /// <summary>The request was cancelled.</summary>
    Cancelled,
}
