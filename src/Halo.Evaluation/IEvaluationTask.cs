using Halo.Core;

namespace Halo.Evaluation;

/// <summary>Something that can be measured on a model.</summary>
public interface IEvaluationTask
{
    /// <summary>Its name in records, for example <c>niah_single_1</c>.</summary>
    string Name { get; }

    /// <summary>Checks that files and options suffice, so that a missing file is told before hours of other tasks.</summary>
    /// <exception cref="HaloException">Something is missing or impossible.</exception>
    void Check(EvaluationContext context);

    /// <summary>Measures.</summary>
    /// <returns>The figures, in the order in which they were measured.</returns>
    /// <exception cref="HaloException">Something is missing or impossible.</exception>
    IReadOnlyList<ResultRecord> Run(EvaluationContext context);
}
