using Halo.Text.Data;

namespace Halo.Evaluation;

/// <summary>
/// Keys of needles: test pairs of the words of synthetic recall documents, so that no key of a test stood in a training document
/// (RULER's own word list comes with a package that is not shipped).
/// </summary>
internal static class NeedleKeys
{
    public static string Draw(SeededRandom random)
    {
        while (true)
        {
            string adjective = RecallWords.Adjectives[random.Below(RecallWords.Adjectives.Count)];
            string noun = RecallWords.Nouns[random.Below(RecallWords.Nouns.Count)];
            if (RecallWords.IsTest(adjective, noun))
            {
                return $"{adjective}-{noun}";
            }
        }
    }
}
