using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams.Settings;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class ProgramSettingsSpecs : IDisposable
{
    private const string Instances = "image-classifier.scaling.max-instances";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_later_layer_wins_over_an_earlier_one()
    {
        var file = _folder.Write(
            "my.conf", "image-classifier.scaling { max-instances = 2, max-lifetime = 2d, latency.target = 2m }");
        var sources = new SettingsSources
        {
            ConfigFile = file,
            EnvironmentVariables = new Dictionary<string, string>
            {
                ["IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES"] = "3",
                ["IMAGE_CLASSIFIER__SCALING__MAX_LIFETIME"] = "3d",
            },
            Assignments = [$"{Instances}=4"],
        };

        var config = ProgramSettings.Load(sources);

        Assert.Equal("4", config.GetString(Instances));
        Assert.Equal("3d", config.GetString("image-classifier.scaling.max-lifetime"));
        Assert.Equal("2m", config.GetString("image-classifier.scaling.latency.target"));
        Assert.Equal("1s", config.GetString("image-classifier.scaling.latency.boot-time"));
        Assert.Equal("latency", config.GetString("image-classifier.scaling.policy"));
    }

    [Fact]
    public void The_later_of_two_assignments_wins() =>
        Assert.Equal("6", Sources.With($"{Instances}=5", $"{Instances}=6").GetString(Instances));

    [Fact]
    public void A_dedicated_option_wins_over_an_assignment()
    {
        var sources = Sources.Set($"{EmbeddedLayout.DataFolderKey}=/one") with
        {
            Options = [new OptionValue("--data", EmbeddedLayout.DataFolderKey, "/two")],
        };
        Assert.Equal("/two", ProgramSettings.Load(sources).GetString(EmbeddedLayout.DataFolderKey));
    }

    [Theory]
    [InlineData("http://127.0.0.1:5000;http://[::1]:5001")]
    [InlineData("""C:\pictures\"new" {a} # b // c""")]
    [InlineData("a=b=c")]
    [InlineData("${x} ${?y}")]
    [InlineData("höhe\tand\nline")]
    [InlineData("")]
    public void A_value_arrives_literally_from_every_source(string value)
    {
        var key = EmbeddedLayout.DataFolderKey;
        Assert.Equal(value, Sources.With($"{key}={value}").GetString(key));
        SettingsSources[] others =
        [
            Sources.Variables(("IMAGE_CLASSIFIER__EMBEDDED__DATA", value)),
            new SettingsSources { Options = [new OptionValue("--data", key, value)] },
        ];
        Assert.All(others, sources => Assert.Equal(value, ProgramSettings.Load(sources).GetString(key)));
    }

    [Fact]
    public void Akka_s_own_settings_can_be_set() =>
        Assert.Equal("DEBUG", Sources.With("akka.loglevel=DEBUG", "akka.some.thing=1").GetString("akka.loglevel"));

    [Fact]
    public void A_known_group_of_the_top_level_can_be_set() =>
        Assert.Equal(3, Sources.With("classifier-dispatcher.dedicated-thread-pool.thread-count=3")
            .GetInt("classifier-dispatcher.dedicated-thread-pool.thread-count"));

    [Fact]
    public void Variables_with_other_names_are_ignored() =>
        Assert.Equal("cores", ProgramSettings.Load(Sources.Variables(
            ("IMAGE_CLASSIFIER_REQUIRE_ALL", "1"), ("PATH", "x"))).GetString(Instances));

    [Fact]
    public void An_unknown_key_is_reported_with_its_origin_and_a_suggestion_but_not_its_value()
    {
        var wrong = Sources.Wrong(Sources.Set("image-classifier.scaling.max-instnces=4"));
        Assert.Equal("image-classifier.scaling.max-instnces", wrong.Key);
        Assert.Equal("image-classifier.scaling.max-instnces = (hidden) is not usable: there is no such setting, "
            + $"did you mean {Instances}? It comes from --set.", wrong.Message);
    }

    [Fact]
    public void An_unknown_key_in_a_file_names_the_file()
    {
        var file = _folder.Write("my.conf", "image-classifier { node.poling { wait-time = 5s } }");
        var wrong = Sources.Wrong(new SettingsSources { ConfigFile = file });
        Assert.Equal("image-classifier.node.poling.wait-time", wrong.Key);
        Assert.Contains("did you mean image-classifier.node.polling.wait-time?", wrong.Message, StringComparison.Ordinal);
        Assert.Contains(file, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_key_in_a_variable_names_the_variable()
    {
        var wrong = Sources.Wrong(Sources.Variables(("IMAGE_CLASSIFIER__SCALING__MAXINSTANCES", "4")));
        Assert.Equal("image-classifier.scaling.maxinstances", wrong.Key);
        Assert.Contains($"did you mean {Instances}?", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("IMAGE_CLASSIFIER__SCALING__MAXINSTANCES", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scaling.max-instances=4", Instances)]
    [InlineData("image-clasifier.scaling.max-instances=4", Instances)]
    [InlineData("image-classifier.max-instances=4", Instances)]
    [InlineData("max-instances=4", Instances)]
    [InlineData("environment=embedded", "image-classifier.environment")]
    public void For_a_key_without_its_group_the_full_key_is_suggested(string assignment, string suggestion)
    {
        var wrong = Sources.Wrong(Sources.Set(assignment));
        Assert.Equal(assignment.Split('=')[0], wrong.Key);
        Assert.Contains($"did you mean {suggestion}?", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void For_a_key_like_no_other_the_list_of_keys_is_named() =>
        Assert.Contains("reference.conf", Sources.Wrong(Sources.Set("image-classifier.quite.different=4")).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("image-classifier.scaling=4", "image-classifier.scaling")]
    [InlineData("image-classifier=4", "image-classifier")]
    [InlineData($"{Instances}.x=4", Instances)]
    public void A_group_is_no_value_and_a_value_no_group(string assignment, string key) =>
        Assert.Equal(key, Sources.Wrong(Sources.Set(assignment)).Key);

    [Fact]
    public void A_list_is_no_value()
    {
        var file = _folder.Write("my.conf", $"{Instances} = [1, 2]");
        Assert.Equal(Instances, Sources.Wrong(new SettingsSources { ConfigFile = file }).Key);
    }

    [Theory]
    [InlineData("image-classifier { scaling {", "line 1")]
    [InlineData("image-classifier {\n scaling { max-instances = 4 }\n}\n}\nakka.loglevel = DEBUG", "line 4")]
    [InlineData("image-classifier.web.urls = \"http://x", "line 1")]
    [InlineData("image-classifier.web.urls = \"\"\"http://x", "line 1")]
    [InlineData("image-classifier.web.urls = http://x:1", "=")]
    [InlineData("image-classifier.scaling.max-instances = [1", "line 1")]
    [InlineData("\nimage-classifier.web.urls = ${?URLS}", "line 2")]
    [InlineData("image-classifier.web.urls = ${URLS}", "URLS")]
    [InlineData("include \"other.conf\"", "include")]
    [InlineData("hello", "")]
    [InlineData("{\"a\": 1}]", "line 1")]
    public void A_file_that_is_not_HOCON_is_refused_with_the_reason(string text, string reason)
    {
        var file = _folder.Write("my.conf", text);
        var wrong = Sources.Wrong(new SettingsSources { ConfigFile = file });
        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
        Assert.Contains(file, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only { a comment\n// and \" another")]
    [InlineData("{ \"image-classifier\": { \"scaling\": { \"max-instances\": \"cores\" } } }")]
    [InlineData("image-classifier.embedded.data = \"\"\"with } and \" in it\"\"\"")]
    [InlineData("image-classifier.embedded.data = \"with } and \\\" in it\" # }")]
    [InlineData("image-classifier { web.urls = \"http://x:1\", embedded.data = ${image-classifier.web.urls} }")]
    public void A_file_may_use_all_of_HOCON(string text)
    {
        var file = _folder.Write("my.conf", text);
        var config = ProgramSettings.Load(new SettingsSources { ConfigFile = file });
        Assert.Equal("cores", config.GetString(Instances));
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        var wrong = Sources.Wrong(new SettingsSources { ConfigFile = Path.Combine(_folder.Path, "none.conf") });
        Assert.Equal("--config", wrong.Key);
        Assert.Contains("none.conf", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_settings_file() =>
        Assert.Equal("--config", Sources.Wrong(new SettingsSources { ConfigFile = _folder.Path }).Key);

    [Theory]
    [InlineData("")]
    [InlineData("image-classifier.scaling.max-instances")]
    [InlineData("=4")]
    [InlineData("image-classifier..scaling=4")]
    [InlineData(".=4")]
    public void A_malformed_assignment_is_refused(string assignment) =>
        Assert.Equal("--set", Sources.Wrong(Sources.Set(assignment)).Key);

    [Theory]
    [InlineData("IMAGE_CLASSIFIER__")]
    [InlineData("IMAGE_CLASSIFIER____SCALING")]
    public void A_malformed_variable_is_refused(string name) =>
        Assert.Equal(name, Sources.Wrong(Sources.Variables((name, "1"))).Key);

    [Fact]
    public void An_unknown_environment_is_refused()
    {
        var wrong = Sources.Wrong(Sources.Set("image-classifier.environment=moon"));
        Assert.Equal(EnvironmentSettings.Key, wrong.Key);
        Assert.Contains("embedded", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_strongest_layer_of_the_user_chooses_the_environment()
    {
        var sources = new SettingsSources
        {
            ConfigFile = _folder.Write("my.conf", "image-classifier.environment = moon"),
            Assignments = ["image-classifier.environment=embedded"],
        };
        Assert.Equal("embedded", ProgramSettings.Load(sources).GetString(EnvironmentSettings.Key));
    }

    [Fact]
    public void Another_process_gets_the_same_settings_from_any_working_directory()
    {
        var sources = new SettingsSources { ConfigFile = "my.conf", Assignments = ["a=b c", "d="] };
        Assert.Equal(
            ["--config", Path.GetFullPath("my.conf"), "--set", "a=b c", "--set", "d="], sources.ToArguments());
        Assert.Empty(new SettingsSources().ToArguments());
    }

    [Fact]
    public void Another_process_gets_no_access_settings_on_its_command_line()
    {
        var sources = new SettingsSources
        {
            Assignments = ["image-classifier.access.keys.alice=sha256:0", " image-classifier.access.allowed-origins=x", "d="],
        };
        Assert.Equal(["--set", "d="], sources.ToArguments());
    }
}
