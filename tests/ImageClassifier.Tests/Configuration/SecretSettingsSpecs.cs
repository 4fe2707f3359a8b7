using ImageClassifier.Core;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Tests.CommandLine;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Callbacks;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>A key in a wrong place of the settings is never shown, whatever is wrong with its line.</summary>
public sealed class SecretSettingsSpecs : IDisposable
{
    // A key of the service, and a text that could be anyone's secret.
    private static readonly string[] Secrets = [ApiKey.New(), "correct-horse-battery"];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Assignments =>
    [
        "image-classifier.access.keys.x={0}",
        "image-classifier.access.key.x={0}",
        "image-classifier.acces.keys.x={0}",
        "access.keys.x={0}",
        "image-classifier.access.keys={0}",
        "image-classifier.access={0}",
        "image-classifier.aws.secret-key={0}",
        "image-classifier.access.keys..x={0}",
        "image-classifier.callbacks.secrets.x={0}",
        "image-classifier.callbacks.secret.x={0}",
        "image-classifier.callbacks.secrets={0}",
        "image-classifier.access.keys.x: {0}",
        "image-classifier.access.keys.x {0}",
        "{0}",
    ];

    public static TheoryData<string, string> Variables => new()
    {
        { "IMAGE_CLASSIFIER__ACCESS__KEYS__X", "{0}" },
        { "IMAGE_CLASSIFIER__ACCESS__KEY__X", "{0}" },
        { "IMAGE_CLASSIFIER__ACCESS____KEYS__X", "{0}" },
        { "IMAGE_CLASSIFIER__ACCESS__KEYS", "{0}" },
        { "IMAGE_CLASSIFIER__CALLBACKS__SECRETS__X", "{0}" },
        { "IMAGE_CLASSIFIER__CALLBACKS__SECRET__X", "{0}" },
    };

    public static TheoryData<string> Files =>
    [
        "image-classifier.access.keys.x = {0}",
        "image-classifier.acess.keys.x = \"{0}\"",
        "image-classifier.access.keys.x = \"{0}",
        "image-classifier.access.keys.x \"{0}\"",
        "image-classifier.access.keys { x = {0} ",
        "image-classifier.access.keys { x = {0} } }",
        "image-classifier { access { keys [ {0} ] } }",
        "image-classifier.access.keys.x = ${ {0} }",
        "image-classifier.access.keys = {0}",
        "include \"{0}\"",
    ];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Assignments))]
    public void A_secret_in_an_assignment_is_not_shown(string assignment) =>
        AssertHidden(assignment, text => new SettingsSources { Assignments = [text] });

    [Theory]
    [MemberData(nameof(Variables))]
    public void A_secret_in_a_variable_is_not_shown(string name, string value) => AssertHidden(
        value, text => new SettingsSources { EnvironmentVariables = new Dictionary<string, string> { [name] = text } });

    [Theory]
    [MemberData(nameof(Files))]
    public void A_secret_in_a_file_is_not_shown(string line) =>
        AssertHidden(line, text => new SettingsSources { ConfigFile = _folder.Write("my.conf", text) });

    [Theory]
    [InlineData("image-classifier.access.keys.{0} = x")]
    [InlineData("image-classifier { access { keys { x : = {0} } } }")]
    [InlineData("image-classifier { access { keys { x = = \"{0}\" } } }")]
    [InlineData("{0}")]
    [InlineData("= {0}")]
    public async Task A_key_in_place_of_a_name_is_not_shown(string line)
    {
        var printed = await PrintedAsync(
            line, text => Start(new SettingsSources { ConfigFile = _folder.Write("my.conf", text) }));
        Assert.Contains("(hidden)", printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_on_the_command_line_without_its_option_is_not_shown() => Assert.Contains(
        "image-classifier.access.keys.x=ick_(hidden)",
        await PrintedAsync("image-classifier.access.keys.x={0}", _ => { }, "web"), StringComparison.Ordinal);

    /// <summary>The program's output, which must not contain the key.</summary>
    private static async Task<string> PrintedAsync(string line, Action<string> start, params string[] arguments)
    {
        var key = ApiKey.New();
        var text = line.Replace("{0}", key, StringComparison.Ordinal);
        var error = new StringWriter();
        var verbs = new RecordedVerbs
        {
            Behaviour = () =>
            {
                start(text);
                return ExitCodes.Done;
            },
        };
        var program = new CommandLineProgram(verbs, TextWriter.Null, error, new Dictionary<string, string>());
        var exitCode = await program.RunAsync(
            arguments.Length == 0 ? ["web"] : [.. arguments, text], CancellationToken.None);
        Assert.Equal(ExitCodes.WrongUse, exitCode);
        Assert.DoesNotContain(key, error.ToString(), StringComparison.OrdinalIgnoreCase);
        return error.ToString();
    }

    private static void AssertHidden(string line, Func<string, SettingsSources> sources)
    {
        foreach (var secret in Secrets)
        {
            var wrong = Assert.Throws<InvalidSettingException>(
                () => Start(sources(line.Replace("{0}", secret, StringComparison.Ordinal))));
            Assert.DoesNotContain(secret, wrong.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static void Start(SettingsSources sources)
    {
        var config = ProgramSettings.Load(sources);
        AccessSettings.Create(config);
        CallbackSettings.Create(config);
    }
}
