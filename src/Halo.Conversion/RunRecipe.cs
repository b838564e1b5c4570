using System.Text.Json.Nodes;
using Halo.Conversion.Recipes;
using Halo.Core;

namespace Halo.Conversion;

/// <summary>Reads what a run folder says of itself.</summary>
internal static class RunRecipe
{
    /// <summary>The recipe as run, and how the run was started (teacher, data).</summary>
    /// <exception cref="HaloException">The folder is no run.</exception>
    public static (Recipe Recipe, JsonObject Run) Open(string run) => RunStore.Open(new RunFolder(run));
}
