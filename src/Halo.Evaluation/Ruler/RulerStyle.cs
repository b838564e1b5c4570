namespace Halo.Evaluation;

/// <summary>Which public implementation of RULER decides the size of a sample. The prompts of the single-needle tasks are the same in both.</summary>
public enum RulerStyle
{
    /// <summary>NVIDIA's: the answer prefix and the new tokens count, the size is found by bisection, prose repeats; a sample that is too long gives up single words or lines.</summary>
    Nvidia,

    /// <summary>lm-evaluation-harness 0.4.9: the answer prefix does not count, sizes grow in steps of 500 words or 25 lines (5 below 4,096), prose stops at its end, a sample that is too long gives up whole steps.</summary>
    LmEval,
}
