using System.Runtime.CompilerServices;

namespace Halo.Text.Templates;

/// <summary>
/// What one rendering may use: steps (nodes, elements and every fourth character that is made), length of one value and of the output, and stack.
/// All work and all memory of a template is paid here, so that none runs forever or fills the machine.
/// </summary>
internal sealed class Budget
{
    /// <summary>Steps of one rendering.</summary>
    public const long Steps = 20_000_000;

    /// <summary>Characters or elements of one value, and characters of the output.</summary>
    public const int Length = 1 << 24;

    /// <summary>Calls of macros within each other.</summary>
    public const int Depth = 200;

    private const int CharactersPerStep = 4;
    private long _left = Steps;

    /// <summary>Pays for work.</summary>
    public void Spend(long steps = 1)
    {
        _left -= steps;
        if (_left < 0)
        {
            throw new TemplateFault($"the template takes more than {Steps} steps");
        }
    }

    /// <summary>Pays for a text that is about to be made.</summary>
    public void Characters(long length)
    {
        Check(length);
        Spend(1 + (length / CharactersPerStep));
    }

    /// <summary>Pays for a list that is about to be made.</summary>
    public void Elements(long count)
    {
        Check(count);
        Spend(1 + count);
    }

    /// <summary>Pays for what a text has grown by.</summary>
    public void Grown(long before, long now)
    {
        Check(now);
        Spend((now - before) / CharactersPerStep);
    }

    /// <summary>Pays for a text that has just been made of things already paid for.</summary>
    public string Paid(string text)
    {
        Characters(text.Length);
        return text;
    }

    /// <summary>Refuses to go deeper when the stack is nearly used up.</summary>
    public static void CheckStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateFault("the template is nested too deeply");
        }
    }

    private static void Check(long length)
    {
        if (length > Length)
        {
            throw new TemplateFault($"a value would be longer than {Length}");
        }
    }
}
