namespace Halo.Conversion;

/// <summary>One stage of a conversion. What it leaves in the run folder says whether it is done, so that a run continues where it stopped.</summary>
internal interface IConversionStage
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>Whether its result is there.</summary>
    bool IsDone { get; }

    /// <summary>Removes its result and what an interrupted attempt left.</summary>
    void Clear();

    /// <summary>Runs it, from its newest checkpoint where there is one.</summary>
    void Run();
}
