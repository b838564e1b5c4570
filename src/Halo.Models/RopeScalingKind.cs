namespace Halo.Models;

/// <summary>How rotary frequencies are scaled.</summary>
public enum RopeScalingKind
{
    /// <summary>YaRN (arXiv 2309.00071): low frequencies divided, high ones kept, a ramp between, and larger attention logits.</summary>
    Yarn,

    /// <summary>All frequencies divided by the factor.</summary>
    Linear,

    /// <summary>Llama 3.1: long wavelengths divided, short ones kept, a ramp between.</summary>
    Llama3,
}
