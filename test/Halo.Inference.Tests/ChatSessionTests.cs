using Halo.Core;
using Halo.Models;

namespace Halo.Inference.Tests;

public class ChatSessionTests
{
    private static readonly GenerationOptions Options = new() { MaxTokens = 8 };

    [Theory]
    [InlineData("hypenet")]
    [InlineData("qwen3-untied")]
    public void EveryTurnIsWhatReadingAllAnewWouldWrite(string name)
    {
        using CausalLm model = TinyModel.Load(name);
        using var session = new ChatSession(model);
        int[] prompt = TinyModel.Ids(23, 1);
        for (int turn = 0; turn < 4; turn++)
        {
            int[] answer = session.Continue(prompt, Options, prompt.Length - 3);
            Assert.Equal(TinyModel.Greedy(model, prompt, 8), answer);

            // The second turn keeps the answer, the third drops it, as templates drop thoughts; the fourth begins a new conversation.
            int[] next = TinyModel.Ids(5, turn + 7);
            prompt = turn switch
            {
                0 => [.. prompt, .. answer, .. next],
                1 => [.. prompt[..^3], .. next],
                _ => next,
            };
        }
    }

    [Fact]
    public void OnlyNewIdsAreRead()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        using var session = new ChatSession(model);
        int[] prompt = TinyModel.Ids(20, 1);
        int[] answer = session.Continue(prompt, Options, 15);
        Assert.Equal(0, session.Reused);
        Assert.Equal([.. prompt, .. answer[..^1]], session.Remembered); // The last id was written, not read.

        session.Continue([.. prompt, .. answer, 3, 4], Options, 20);
        Assert.Equal(27, session.Reused);

        int[] departs = [.. prompt[..15], 1, 2, 3];
        session.Continue(departs, Options);
        Assert.Equal(15, session.Reused);

        session.Continue([9, 8, 7], Options);
        Assert.Equal(0, session.Reused);
        session.Reset();
        Assert.Empty(session.Remembered);
    }

    [Fact]
    public void ACancellationKeepsWhatWasWrittenAndTheConversation()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        using var session = new ChatSession(model);
        int[] prompt = TinyModel.Ids(20, 1);
        int[] expected = TinyModel.Greedy(model, prompt, 8);
        using var stop = new CancellationTokenSource();
        int heard = 0;
        int[] answer = session.Continue(prompt, Options, 0, _ => StopAfter(3, ref heard, stop), stop.Token);
        Assert.Equal(expected[..3], answer);
        Assert.Equal(expected[3..], session.Continue([.. prompt, .. answer], Options with { MaxTokens = 5 }));
        Assert.True(session.Reused > prompt.Length);
        Assert.Empty(session.Continue([1, 2], Options, 0, null, stop.Token));
    }

    [Fact]
    public void DrawsAreThoseOfTheSeedAndDifferBetweenTurns()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        GenerationOptions sampled = Options with { Temperature = 1.5, Seed = 3, MaxTokens = 16 };
        using var session = new ChatSession(model);
        int[] prompt = TinyModel.Ids(20, 1);
        int[] first = session.Continue(prompt, sampled);
        int[] second = session.Continue(prompt, sampled);
        Assert.NotEqual(first, second);
        session.Reset();
        Assert.Equal(first, session.Continue(prompt, sampled));
        Assert.Equal(first, new Generator(model).Generate([prompt], sampled)[0]);
    }

    [Fact]
    public void StopIdsEndAnAnswerAndBadPromptsAreNamed()
    {
        using CausalLm model = TinyModel.Load("hypenet");
        using var session = new ChatSession(model);
        int[] prompt = TinyModel.Ids(20, 1);
        int[] free = session.Continue(prompt, Options);
        Assert.Equal(free.TakeWhile(id => id != free[4]), session.Continue(prompt, Options with { StopIds = [free[4]] }));
        Assert.Contains("empty", Assert.Throws<HaloException>(() => session.Continue([], Options)).Message);
        Assert.Contains("151", Assert.Throws<HaloException>(() => session.Continue([151], Options)).Message);
    }

    private static void StopAfter(int count, ref int heard, CancellationTokenSource stop)
    {
        if (++heard == count)
        {
            stop.Cancel();
        }
    }
}
