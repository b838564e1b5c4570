using ScottPlot;

namespace Halo.Reporting;

/// <summary>How a legend shows an entry.</summary>
internal enum LegendMark
{
    /// <summary>A line.</summary>
    Line,

    /// <summary>A dashed line.</summary>
    Dashed,

    /// <summary>A filled square.</summary>
    Square,
}

/// <summary>One entry of a panel's legend.</summary>
internal sealed record LegendEntry(string Text, Color Color, LegendMark Mark);
