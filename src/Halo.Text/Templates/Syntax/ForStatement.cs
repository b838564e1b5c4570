using Halo.Text.Templates.Values;

namespace Halo.Text.Templates.Syntax;

/// <summary><c>{% for target in values if condition recursive %}body{% else %}otherwise{% endfor %}</c>.</summary>
internal sealed class ForStatement(Target target, Expression values, Expression? condition, bool recursive, IReadOnlyList<Statement> body, IReadOnlyList<Statement> otherwise, int line) : Statement(line)
{
    /// <summary>Runs the loop over values, as its own body may ask for in recursive loops.</summary>
    public Flow Loop(Rendering rendering, object? over, int depth)
    {
        Scope outer = rendering.Scope;
        IReadOnlyList<object?> items = Sequences.Items(over, rendering.Budget);
        IEnumerable<object?> chosen = condition is null ? items : items.Where(item => Chooses(rendering, outer, item));
        var loop = new LoopContext(chosen, condition is null && Sequences.Length(over) is not null ? items.Count : null, recursive ? this : null, outer, depth);
        bool any = false;
        while (loop.MoveNext())
        {
            rendering.Budget.Spend();
            var scope = new Scope(outer);
            scope.Set("loop", loop);
            Flow flow = rendering.Within(scope, () =>
            {
                target.Assign(rendering, loop.Current);
                return Execute(body, rendering);
            });
            any |= flow == Flow.Next; // As in Jinja, a turn that was left early does not count.
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return any || otherwise.Count == 0 ? Flow.Next : rendering.Within(new Scope(outer), () => Execute(otherwise, rendering));
    }

    protected override Flow Run(Rendering rendering) => Loop(rendering, values.Evaluate(rendering), 1);

    private bool Chooses(Rendering rendering, Scope outer, object? item) => rendering.Within(new Scope(outer), () =>
    {
        rendering.Budget.Spend();
        target.Assign(rendering, item);
        return PythonType.IsTrue(condition!.Evaluate(rendering));
    });
}
