using System.Text.Json.Nodes;
using Halo.Cli.Chat;
using Halo.Inference;
using Halo.Testing;
using Halo.Text;

namespace Halo.Cli.Tests;

/// <summary>Conversations with a small model, which knows nothing of them, and records with messages.</summary>
public sealed class ChatTests : IDisposable
{
    private const string Template = "{% for m in messages %}<{{ m.role }}>{{ m.content + eos_token }}{% endfor %}{% if add_generation_prompt %}<assistant>{% if enable_thinking is false %}-{% endif %}{% endif %}";
    private static readonly string Nano = Path.GetFullPath(Path.Combine(Golden.Folder, "..", "..", "models", "hypenet-nano"));
    private readonly string _folder = Directory.CreateTempSubdirectory("halo-chat-").FullName;

    public ChatTests()
    {
        foreach (string file in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(Nano, file), Path.Combine(_folder, file));
        }

        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), Template);
    }

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void AConversationGoesOnIsSavedAndReset()
    {
        string saved = Path.Combine(_folder, "saved.jsonl");
        (int code, string output, string error) = Talk(null, null, "Hello", "", "More \\", "lines", $"/save {saved}", "/reset", "Hello", "/help", "/exit", "never read");
        Assert.Equal(0, code);
        JsonArray messages = JsonNode.Parse(File.ReadAllText(saved))!["messages"]!.AsArray();
        Assert.Equal(["user", "assistant", "user", "assistant"], messages.Select(message => message!["role"]!.GetValue<string>()));
        Assert.Equal("More \nlines", messages[2]!["content"]!.GetValue<string>());
        string first = messages[1]!["content"]!.GetValue<string>();
        Assert.NotEmpty(first);
        Assert.Equal($"{first}\n{messages[3]!["content"]}\n{first}\n", output);
        Assert.Contains("/save FILE", error);

        // What was saved is what halo tokenize reads, and what the model was given.
        var record = JsonNode.Parse(new RecordTokenizer(_folder).Tokenize(File.ReadAllText(saved), "saved"))!;
        Assert.StartsWith($"<user>Hello<|endoftext|><assistant>{first}<|endoftext|><user>", record["text"]!.GetValue<string>());
        Assert.Equal(HuggingFaceTokenizer.Load(_folder).Encode(record["text"]!.GetValue<string>()), record["ids"]!.AsArray().Select(id => id!.GetValue<int>()));
    }

    [Fact]
    public void SystemMessageAndThinkingReachTheTemplate()
    {
        string plain = Talk(null, null, "Hello").Output;
        Assert.NotEqual(plain, Talk("The old man and the sea.", null, "Hello").Output);
        Assert.NotEqual(plain, Talk(null, false, "Hello").Output);
    }

    [Fact]
    public void AMessageThatTheTemplateRefusesIsToldAndForgotten()
    {
        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), "{% if messages[-1].content == 'bad' %}{{ raise_exception('no such thing') }}{% endif %}" + Template);
        (int code, string output, string error) = Talk(null, null, "bad", "Hello", "/save");
        Assert.Equal(1, code);
        Assert.Contains("no such thing", error);
        Assert.Contains("line 1", error);
        Assert.Contains("/save FILE", error);
        Assert.Equal(Talk(null, null, "Hello").Output, output);
    }

    [Fact]
    public void RecordsKeepWhatTheyHoldAndGetTextAndIdsOrAnError()
    {
        var records = new RecordTokenizer(_folder);
        JsonObject One(string line) => JsonNode.Parse(records.Tokenize(line, "x:1"))!.AsObject();

        JsonObject good = One("""{"name":"n","text":"old","ids":[1],"error":"old","messages":[{"role":"user","content":"Hi"}],"extra":1.0}""");
        Assert.Equal(["name", "messages", "extra", "text", "ids"], good.Select(property => property.Key));
        Assert.Equal("<user>Hi<|endoftext|>", good["text"]!.GetValue<string>());
        Assert.Equal("1.0", good["extra"]!.ToJsonString());

        Assert.Equal("<user>Hi<|endoftext|><assistant>-", One("""{"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":true,"enable_thinking":false}""")["text"]!.GetValue<string>());
        JsonObject bad = One("""{"messages":[{"role":"user"},7],"text":"old"}""");
        Assert.Equal(["messages", "error"], bad.Select(property => property.Key));
        Assert.Contains("line 1", One("""{"messages":[null]}""")["error"]!.GetValue<string>());
        Assert.Contains("at least one message", One("""{"messages":[]}""")["error"]!.GetValue<string>());
        Assert.Equal(["text", "ids"], One("""{"text":"Hi","ids":[5]}""").Select(property => property.Key));

        File.Delete(Path.Combine(_folder, "chat_template.jinja"));
        records = new RecordTokenizer(_folder);
        Assert.Contains("no chat template", One("""{"messages":[1]}""")["error"]!.GetValue<string>());
        Assert.Contains("no chat template", One("""{"messages":[2]}""")["error"]!.GetValue<string>());
        Assert.Equal(["text", "ids"], One("""{"text":"Hi"}""").Select(property => property.Key));
    }

    private (int Code, string Output, string Error) Talk(string? system, bool? thinking, params string[] lines)
    {
        using var loaded = LoadedModel.Load(Nano, "cpu", null);
        using var session = new ChatSession(loaded.Model);
        var options = new GenerationOptions { MaxTokens = 6, StopIds = [loaded.Tokenizer.EosId!.Value] };
        var conversation = new Conversation(ChatTemplate.Load(_folder), loaded.Tokenizer, session, new ChatSettings(system, thinking, options));
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = new ChatLoop(conversation, new StringReader(string.Join('\n', lines)), output, error, isTerminal: false, dims: false).Run();
        return (code, output.ToString(), error.ToString());
    }
}
