namespace Halo.Text;

/// <summary>Turns ids into text piece by piece.</summary>
public abstract class StreamDecoder
{
    /// <summary>The text that is certain after one more id (may be empty).</summary>
    public abstract string Push(int id);

    /// <summary>What is left when the stream ends.</summary>
    public abstract string End();
}
