using System.Text;

namespace Halo.Text.Data;

/// <summary>Keys of synthetic recall documents: adjective-noun pairs. A pair is for training or for tests, never both.</summary>
internal static class RecallWords
{
    private const ulong TestShare = 5;

    /// <summary>Adjectives of keys.</summary>
    public static IReadOnlyList<string> Adjectives { get; } = (
        "able amber ample ancient angry aware awful basic bitter blank bleak blind blunt bold brave brief bright brisk broad broken brown busy calm careful careless charming cheap cheerful chief "
        + "civil clean clear clever close cloudy coarse cold common cool cosmic costly crimson crisp crooked cruel curious curly daily damp dapper daring dark dear decent deep deft dense direct dizzy double "
        + "drab dreary drowsy dry dull dusty eager early earnest easy elder elegant empty endless even exact faded faint fair faithful false famous fancy fast fatal fearless feeble fertile fierce final fine firm "
        + "fleet fluffy fond formal frail frank free fresh frosty frozen full funny gaunt gentle giant gifted glad gleaming gloomy golden good grand grave gray greasy great greedy green grim gruff hardy harsh "
        + "hasty hazy heavy helpful hidden hollow holy honest huge humble hungry icy idle ideal inner jolly jovial juicy keen kind known lame large late lavish lazy lean level light likely limp little lively lone "
        + "long loose loud lovely loyal lucky lunar mad major mellow merry mighty mild minor misty mobile modern modest moist muddy mute narrow nasty native neat nervous new nimble noble noisy numb odd old open "
        + "orange outer pale patient perfect petty plain pleasant plump polite poor prime private prompt proper proud public pure purple quaint queer quick quiet rapid rare raw ready real regal rich rigid ripe "
        + "robust rosy rough round royal ruddy rude rural rusty sacred sad safe sandy scarce scarlet secret senior serene severe shabby shallow sharp shiny short shrewd shy silent silver simple sincere single sleepy "
        + "slender slight slim slow sly small smooth sober soft solar solemn solid sore sound sour spare speedy spicy stable stale stark steady steep stern stiff still stormy stout strange strict strong sturdy subtle "
        + "sudden sunny superb supple sure sweet swift tall tame tart tawny tender tense tepid thick thin thirsty tidy timid tiny tired tough tranquil true upper urban useful usual vague vain valid vast velvet vital "
        + "vivid warm wary wavy weak weary white whole wide wild wise witty wooden worthy yellow young zealous").Split(' ');

    /// <summary>Nouns of keys.</summary>
    public static IReadOnlyList<string> Nouns { get; } = (
        "abbey acorn actor anchor ankle anvil apple apron arch arrow artist attic aunt author badge baker ballad bamboo banjo banner barge barley barn baron barrel basin basket beacon beaver beetle bell bench "
        + "berry blanket blossom board boat bonnet boot bottle boulder bowl branch bread brick bridge broom brother bucket bugle butter button cabin cable cactus camel camera canal candle cannon canoe canvas captain carpet "
        + "carriage castle cattle cellar chain chair chalk chapel cherry chest chimney church circle clerk cliff clock cloth clover coach coast cobbler coffee collar comet copper coral corner cottage cotton cousin cradle crane "
        + "creek cricket crown crystal cupboard curtain cushion dagger dairy daisy dancer desert desk diamond doctor dolphin donkey door dragon drawer drum eagle easel elbow elm engine envelope falcon farmer feather fence "
        + "ferry fiddle field finch flag flask flint flour flower flute forest forge fork fort fountain fox frame friar garden garlic garnet gate ghost giraffe glacier glove goblet goose gospel grain grape gravel guitar gull "
        + "hammer hamlet harbor harness harp hawk hazel heron hill hinge honey hook horn horse hotel hunter island ivory jacket jar jewel judge jug kettle key king kitchen kite knight ladder lagoon lake lamp lantern lark "
        + "lawyer leaf ledger lemon letter lily linen lion lizard locket lodge loom lute magnet maple marble market marsh mast meadow medal melon merchant meteor mill miner mirror monk moon moss moth mountain museum nectar "
        + "needle nephew nest novel nurse oak oar ocean olive onion orchard organ otter oven owl oyster paddle page painter palace panther paper parcel parrot path peach pearl pebble pencil pepper piano pigeon pillow pilot "
        + "pine pistol planet plow plum pocket poet pond pony poppy porch potter prince prison puppet quarry queen quill quilt rabbit raft rail raven razor reef ribbon rider ring river robin rocket roof rope rose ruby saddle "
        + "sailor salmon sandal satin scarf school sculptor seal shadow sheep shell shepherd ship shore shovel shrine shutter singer sister sketch sleigh smith snail soldier sparrow spear spider spoon squirrel stable statue steam "
        + "stone stove stream street sugar sword table tailor temple tent thistle thorn throne thunder ticket tiger timber torch tower trumpet tulip tunnel turtle valley vessel village vine violin wagon walnut water weaver "
        + "whale wheat wheel whistle widow willow window wizard wolf yacht zebra").Split(' ');

    /// <summary>Whether a key is for tests.</summary>
    public static bool IsTest(string adjective, string noun)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in Encoding.ASCII.GetBytes($"{adjective}-{noun}"))
        {
            hash = (hash ^ value) * 1099511628211;
        }

        return CounterRandom.Mix(hash) % TestShare == 0;
    }

    /// <summary>A key for training or for tests.</summary>
    public static string Key(CounterRandom random, bool test)
    {
        while (true)
        {
            string adjective = random.Pick(Adjectives);
            string noun = random.Pick(Nouns);
            if (IsTest(adjective, noun) == test)
            {
                return $"{adjective}-{noun}";
            }
        }
    }
}
