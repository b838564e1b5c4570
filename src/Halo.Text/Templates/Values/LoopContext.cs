using System.Numerics;
using Halo.Text.Templates.Syntax;

namespace Halo.Text.Templates.Values;

/// <summary>The variable <c>loop</c>. Values are drawn one by one, so that a condition of the loop sees what its body has set.</summary>
internal sealed class LoopContext(IEnumerable<object?> values, int? count, ForStatement? recursive, Scope outer, int depth)
{
    private readonly Queue<object?> _ahead = new();
    private IEnumerator<object?>? _source = values.GetEnumerator();
    private int? _count = count;
    private int _index = -1;
    private object? _previous = Missing.Value;
    private object? _changed = Missing.Value;

    /// <summary>The value of this turn.</summary>
    public object? Current { get; private set; } = Missing.Value;

    /// <summary>Goes to the next turn, if there is one.</summary>
    public bool MoveNext()
    {
        if (!Peek())
        {
            return false;
        }

        _previous = Current;
        Current = _ahead.Dequeue();
        _index++;
        return true;
    }

    /// <summary>All values that are still to come, which ends the loop.</summary>
    public IReadOnlyList<object?> Rest()
    {
        DrawAll();
        object?[] rest = [.. _ahead];
        _ahead.Clear();
        return rest;
    }

    /// <summary><c>loop(values)</c> in a recursive loop.</summary>
    public object Recurse(Rendering rendering, Arguments arguments)
    {
        ForStatement loop = recursive ?? throw new TemplateFault("only a loop that is marked 'recursive' can be called");
        object? over = arguments.Bind("loop", "iterable")[0];
        return rendering.Capture(outer, () => loop.Loop(rendering, over, depth + 1));
    }

    /// <summary>An attribute of loop.</summary>
    public object? Attribute(string name) => name switch
    {
        "index" => new BigInteger(_index + 1),
        "index0" => new BigInteger(_index),
        "first" => _index == 0,
        "last" => !Peek(),
        "length" => new BigInteger(Length),
        "revindex" => new BigInteger(Length - _index),
        "revindex0" => new BigInteger(Length - _index - 1),
        "previtem" => _previous is Missing ? new Undefined("there is no previous item") : _previous,
        "nextitem" => Peek() ? _ahead.Peek() : new Undefined("there is no next item"),
        "depth" => new BigInteger(depth),
        "depth0" => new BigInteger(depth - 1),
        "cycle" => new TemplateFunction("cycle", (_, arguments) => arguments.Positional.Count == 0
            ? throw new TemplateFault("no items for cycling given")
            : arguments.Positional[_index % arguments.Positional.Count]),
        "changed" => new TemplateFunction("changed", (rendering, arguments) => HasChanged(arguments, rendering.Budget)),
        _ => Undefined.Attribute(this, name),
    };

    private int Length
    {
        get
        {
            if (_count is null)
            {
                DrawAll();
                _count = _index + 1 + _ahead.Count;
            }

            return _count.Value;
        }
    }

    private bool HasChanged(Arguments arguments, Budget budget)
    {
        object now = Sequences.Tuple([.. arguments.Positional]);
        bool changed = !Comparison.AreEqual(_changed, now, budget);
        _changed = now;
        return changed;
    }

    private bool Peek()
    {
        if (_ahead.Count == 0 && _source is not null)
        {
            if (_source.MoveNext())
            {
                _ahead.Enqueue(_source.Current);
            }
            else
            {
                _source = null;
            }
        }

        return _ahead.Count > 0;
    }

    private void DrawAll()
    {
        while (_source is not null && _source.MoveNext())
        {
            _ahead.Enqueue(_source.Current);
        }

        _source = null;
    }
}
