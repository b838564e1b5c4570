namespace Halo.Evaluation;

/// <summary>Words of which needle keys are made (RULER's own list comes with a package that is not shipped).</summary>
internal static class NeedleKeys
{
    private static readonly string[] Adjectives =
    [
        "ancient", "bitter", "brave", "bright", "broken", "calm", "careful", "clever", "cold", "crooked", "curious", "damp", "dark", "eager", "early", "empty", "faint", "famous",
        "fierce", "gentle", "giddy", "glossy", "golden", "grumpy", "hasty", "hidden", "hollow", "honest", "humble", "icy", "idle", "jolly", "keen", "lazy", "little", "lively",
        "lonely", "loud", "lucky", "mellow", "merry", "mighty", "misty", "modest", "muddy", "narrow", "noble", "odd", "pale", "patient", "plain", "polite", "proud", "quaint",
        "quick", "quiet", "rapid", "rare", "rough", "rusty", "shallow", "sharp", "shiny", "silent", "simple", "sleepy", "slim", "smooth", "solemn", "spare", "steady", "steep",
        "stern", "sturdy", "subtle", "sudden", "sunny", "swift", "tall", "tame", "tender", "thin", "tidy", "tiny", "tranquil", "vague", "vast", "velvet", "vivid", "warm", "weary",
        "wild", "wise", "witty", "wooden", "young", "zealous",
    ];

    private static readonly string[] Nouns =
    [
        "acorn", "anchor", "apron", "arrow", "badge", "barley", "barrel", "basin", "basket", "beacon", "bell", "bench", "blanket", "bottle", "branch", "bridge", "bucket", "button",
        "cabin", "candle", "canoe", "canyon", "carpet", "castle", "cellar", "chapel", "cherry", "chimney", "circle", "cliff", "cloud", "compass", "copper", "cottage", "cradle",
        "creek", "crown", "curtain", "dagger", "desert", "drum", "engine", "falcon", "feather", "fence", "ferry", "fiddle", "forest", "fountain", "garden", "glacier", "goblet",
        "hammer", "harbor", "harvest", "hatchet", "helmet", "hill", "honey", "horizon", "island", "ivory", "jacket", "jewel", "kettle", "ladder", "lagoon", "lantern", "ledger",
        "lemon", "lighthouse", "marble", "market", "meadow", "mirror", "mountain", "needle", "oak", "oar", "orchard", "oyster", "paddle", "palace", "parcel", "pebble", "pepper",
        "pillow", "pocket", "prairie", "puzzle", "quarry", "quilt", "raven", "ribbon", "river", "saddle", "saucer", "shadow", "shovel", "signal", "spruce", "stable", "statue",
        "summit", "table", "temple", "thimble", "thunder", "timber", "tower", "trumpet", "tunnel", "valley", "village", "violin", "wagon", "walnut", "whistle", "window", "winter",
    ];

    public static (string Adjective, string Noun) Draw(SeededRandom random) => (Adjectives[random.Below(Adjectives.Length)], Nouns[random.Below(Nouns.Length)]);
}
