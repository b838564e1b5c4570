using Halo.Core;

namespace Halo.Conversion.Measurement;

/// <summary>Hears nothing.</summary>
internal sealed class QuietLog : IRunLog
{
    public void Event(RunEvent entry)
    {
    }

    public void Progress(string title, long done, long total, string detail)
    {
    }

    public void Message(string text)
    {
    }
}
