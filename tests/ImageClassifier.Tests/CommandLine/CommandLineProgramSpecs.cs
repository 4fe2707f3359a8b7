using ImageClassifier.Adapters.Aws.Check;
using ImageClassifier.Core;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Host.Models;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

public sealed class CommandLineProgramSpecs : IDisposable
{
    private readonly RecordedVerbs _verbs = new();
    private readonly Dictionary<string, string> _variables = new() { ["IMAGE_CLASSIFIER__A"] = "1" };
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("web")]
    public async Task Web_is_the_default_verb(string arguments)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        var settings = Assert.IsType<WebOptions>(_verbs.Called).Settings;
        Assert.Null(settings.ConfigFile);
        Assert.Empty(settings.Assignments);
        Assert.Empty(settings.Options);
        Assert.Equal("", _error.ToString());
    }

    [Theory]
    [InlineData("--urls http://127.0.0.1:1 --data dir")]
    [InlineData("web --urls http://127.0.0.1:1 --data dir")]
    [InlineData("--data dir web --urls=http://127.0.0.1:1")]
    public async Task Web_takes_addresses_and_a_data_folder(string arguments)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        Assert.Equal(
            [
                new OptionValue("--urls", "image-classifier.web.urls", "http://127.0.0.1:1"),
                new OptionValue("--data", "image-classifier.embedded.data", "dir"),
            ],
            Assert.IsType<WebOptions>(_verbs.Called).Settings.Options);
    }

    [Theory]
    [InlineData("--config my.conf --set a.b=1 --set c=")]
    [InlineData("web --config my.conf --set a.b=1 --set c=")]
    [InlineData("--config my.conf --set a.b=1 web --set c=")]
    [InlineData("--config=my.conf --set=a.b=1 --set=c=")]
    public async Task Settings_are_given_before_or_after_the_verb(string arguments)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        var settings = Assert.IsType<WebOptions>(_verbs.Called).Settings;
        Assert.Equal("my.conf", settings.ConfigFile);
        Assert.Equal(["a.b=1", "c="], settings.Assignments);
        Assert.Equal("1", settings.EnvironmentVariables["IMAGE_CLASSIFIER__A"]);
    }

    [Fact]
    public async Task A_node_has_a_data_folder_and_a_name()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("node --data dir --instance i-1 --set a=1"));
        var options = Assert.IsType<NodeOptions>(_verbs.Called);
        Assert.Equal(InstanceId.Parse("i-1"), options.Instance);
        Assert.Equal(["a=1"], options.Settings.Assignments);
        Assert.Equal([new OptionValue("--data", "image-classifier.embedded.data", "dir")], options.Settings.Options);
    }

    [Theory]
    [InlineData("classify a.jpg b.png", false)]
    [InlineData("classify --json a.jpg b.png", true)]
    [InlineData("classify a.jpg b.png --json", true)]
    [InlineData("--set a=1 classify a.jpg b.png", false)]
    public async Task Classify_takes_files(string arguments, bool json)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        var options = Assert.IsType<ClassifyOptions>(_verbs.Called);
        Assert.Equal(["a.jpg", "b.png"], options.Files);
        Assert.Equal(json, options.Json);
    }

    [Theory]
    [InlineData("classify a.jpg --data dir")]
    [InlineData("--data dir classify a.jpg")]
    public async Task Classify_takes_the_data_folder_of_models(string arguments)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        Assert.Equal(
            [new OptionValue("--data", "image-classifier.embedded.data", "dir")],
            Assert.IsType<ClassifyOptions>(_verbs.Called).Settings.Options);
    }

    [Fact]
    public async Task Models_add_takes_an_address_and_what_belongs_to_it()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(
            "models add https://a/m.onnx --sha256 ab --contract m.json --labels l.txt --name m --allow-http --data dir --json"));
        var options = Assert.IsType<ModelsAddOptions>(_verbs.Called);
        Assert.Equal(
            ("https://a/m.onnx", "ab", "m.json", "l.txt", "m", true, true),
            (options.What, options.Sha256, options.Contract, options.Labels, options.Name, options.AllowHttp, options.Json));
        Assert.Equal([new OptionValue("--data", "image-classifier.embedded.data", "dir")], options.Settings.Options);
    }

    [Fact]
    public async Task Models_push_takes_a_model_and_its_name_in_the_registry()
    {
        await RunAsync("models push dir --name fruit --data dir --json");
        var options = Assert.IsType<ModelsPushOptions>(_verbs.Called);
        Assert.Equal(("dir", "fruit", true), (options.What, options.Name, options.Json));
        Assert.Equal([new OptionValue("--data", "image-classifier.embedded.data", "dir")], options.Settings.Options);
    }

    [Fact]
    public async Task The_registry_is_listed_and_changed()
    {
        await RunAsync("models registry --json --data dir");
        Assert.True(Assert.IsType<ModelsRegistryOptions>(_verbs.Called).Json);
        await RunAsync("models activate fruit@12345678");
        Assert.Equal("fruit@12345678", Assert.IsType<ModelsActivateOptions>(_verbs.Called).Model);
        await RunAsync("models canary fruit --share 10% --set b=1");
        var canary = Assert.IsType<ModelsCanaryOptions>(_verbs.Called);
        Assert.Equal(("fruit", "10%"), (canary.Model, canary.Share));
        await RunAsync("models rollback --json");
        Assert.True(Assert.IsType<ModelsRollbackOptions>(_verbs.Called).Json);
    }

    [Fact]
    public async Task Models_are_listed_shown_and_removed()
    {
        await RunAsync("models list --json");
        Assert.True(Assert.IsType<ModelsListOptions>(_verbs.Called).Json);
        await RunAsync("models show a --set b=1");
        Assert.Equal("a", Assert.IsType<ModelsShowOptions>(_verbs.Called).Name);
        await RunAsync("models remove a");
        Assert.Equal("a", Assert.IsType<ModelsRemoveOptions>(_verbs.Called).Name);
    }

    [Theory]
    [InlineData("aws check", AwsRole.Web)]
    [InlineData("aws check --as node", AwsRole.Node)]
    [InlineData("aws check --as operator --json", AwsRole.Operator)]
    [InlineData("aws check --as deployer", AwsRole.Deployer)]
    public async Task Check_takes_a_role(string arguments, AwsRole role)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        Assert.Equal(role, Assert.IsType<AwsCheckOptions>(_verbs.Called).Role);
    }

    [Fact]
    public async Task Check_refuses_unknown_roles() =>
        Assert.Equal(ExitCodes.WrongUse, await RunAsync("aws check --as admin"));

    [Theory]
    [InlineData("queue list", QueueAction.List, LetterKind.Requests, false)]
    [InlineData("queue list --json --queue responses", QueueAction.List, LetterKind.Responses, true)]
    [InlineData("queue redrive --all", QueueAction.Redrive, LetterKind.Requests, false)]
    [InlineData("queue redrive --all --queue callbacks", QueueAction.Redrive, LetterKind.Callbacks, false)]
    [InlineData("queue purge --all --json", QueueAction.Purge, LetterKind.Requests, true)]
    public async Task Queue_takes_all_dead_letters(string arguments, QueueAction action, LetterKind letters, bool json)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync($"{arguments} --data dir --set a=1"));
        var options = Assert.IsType<QueueOptions>(_verbs.Called);
        Assert.Equal((action, letters, json), (options.Action, options.Letters, options.Json));
        Assert.Null(options.Jobs);
        Assert.Equal(["a=1"], options.Settings.Assignments);
        Assert.Equal([new OptionValue("--data", "image-classifier.embedded.data", "dir")], options.Settings.Options);
    }

    [Theory]
    [InlineData("redrive", QueueAction.Redrive)]
    [InlineData("purge", QueueAction.Purge)]
    public async Task Queue_takes_the_dead_letters_of_some_jobs(string verb, QueueAction action)
    {
        JobId one = JobId.New(), two = JobId.New();
        Assert.Equal(ExitCodes.Done, await RunAsync($"queue {verb} {one} {two} {one} --json"));
        var options = Assert.IsType<QueueOptions>(_verbs.Called);
        Assert.Equal(action, options.Action);
        Assert.Equal([one, two], options.Jobs!);
    }

    [Fact]
    public async Task Simulate_takes_a_load_and_its_own_options()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(
            "simulate --load burst:300 --seed 7 --price 0.1 --minimum-charge 1m --boot 20s..40s --service-time 0.3s"
            + " --timeline t.csv --chart c.png --chart c.svg --compare a.b=1 --json --config my.conf --set c=1"));
        var options = Assert.IsType<SimulateOptions>(_verbs.Called);
        Assert.Equal(
            ("burst:300", 7, "0.1", "1m", "20s..40s", "0.3s", "t.csv", "a.b=1", false, true),
            (options.Load, options.Seed, options.Price, options.MinimumCharge, options.Boot, options.ServiceTime,
                options.Timeline, options.Compare, options.Policies, options.Json));
        Assert.Equal(["c.png", "c.svg"], options.Charts);
        Assert.Equal(("my.conf", "c=1"), (options.Settings.ConfigFile, Assert.Single(options.Settings.Assignments)));
    }

    [Fact]
    public async Task Simulate_compares_policies_without_a_load()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("simulate --policies"));
        var options = Assert.IsType<SimulateOptions>(_verbs.Called);
        Assert.Equal((null, 1, true, false), (options.Load, options.Seed, options.Policies, options.Json));
    }

    [Fact]
    public async Task Train_takes_a_folder_and_a_directory()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("train pictures --out model --json --config my.conf"));
        var options = Assert.IsType<TrainOptions>(_verbs.Called);
        Assert.Equal(
            ("pictures", "model", true, "my.conf"),
            (options.Folder, options.Out, options.Json, options.Settings.ConfigFile));
    }

    [Fact]
    public async Task A_file_may_have_any_name()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("classify @home.jpg -- --json -x.jpg"));
        Assert.Equal(["@home.jpg", "--json", "-x.jpg"], Assert.IsType<ClassifyOptions>(_verbs.Called).Files);
    }

    [Theory]
    [InlineData("key upload-script", false)]
    [InlineData("key --json upload-script", true)]
    public async Task Key_takes_a_name(string arguments, bool json)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        Assert.Equal(new KeyOptions("upload-script", json), _verbs.Called);
    }

    [Theory]
    [InlineData("models check dir", false)]
    [InlineData("models check --json dir", true)]
    public async Task Models_check_takes_a_directory(string arguments, bool json)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        var options = Assert.IsType<ModelsCheckOptions>(_verbs.Called);
        Assert.Equal(("dir", json), (options.Directory, options.Json));
    }

    [Theory]
    [InlineData("wbe", "Did you mean web?")]
    [InlineData("models check", "check")]
    [InlineData("models chek dir", "Did you mean check?")]
    [InlineData("models check dir --data dir", "--data")]
    [InlineData("key", "key")]
    [InlineData("key Me", "lower-case")]
    [InlineData("key a.b", "lower-case")]
    [InlineData("key me --data dir", "--data")]
    [InlineData("web more", "more")]
    [InlineData("--bogus", "--bogus")]
    [InlineData("--url http://127.0.0.1:1", "Did you mean --urls?")]
    [InlineData("--urls", "--urls")]
    [InlineData("--urls http://a http://b", "http://b")]
    [InlineData("--urls http://a --urls http://b", "--urls")]
    [InlineData("--set", "--set")]
    [InlineData("--config", "--config")]
    [InlineData("--config a --config b", "--config")]
    [InlineData("--data=", "--data")]
    [InlineData("node --data dir --instance a/b", "--instance")]
    [InlineData("node --data dir --instance a --urls http://127.0.0.1:1", "--urls")]
    [InlineData("--urls http://127.0.0.1:1 node --instance a", "--urls")]
    [InlineData("classify", "classify")]
    [InlineData("classify --jsno a.jpg", "Did you mean --json?")]
    [InlineData("send", "PATH")]
    [InlineData("send a.jpg --json --csv b.csv", "--csv")]
    [InlineData("send a.jpg --csv ./b.csv --resume b.csv", "--csv")]
    [InlineData("send --jsno a.jpg", "Did you mean --json?")]
    [InlineData("send a.jpg --key secret", "--key")]
    [InlineData("send a.jpg --data dir", "--data")]
    [InlineData("send a.jpg --urls http://127.0.0.1:1", "--urls")]
    [InlineData("models", "models")]
    [InlineData("models add", "add")]
    [InlineData("models add a b", "b")]
    [InlineData("models lst", "Did you mean list?")]
    [InlineData("models list --urls http://127.0.0.1:1", "--urls")]
    [InlineData("models remove", "remove")]
    [InlineData("models push", "push")]
    [InlineData("models push a b", "b")]
    [InlineData("models activate", "activate")]
    [InlineData("models activat a", "Did you mean activate?")]
    [InlineData("models canary a", "--share")]
    [InlineData("models canary --share 10%", "canary")]
    [InlineData("models canary a --shar 10%", "Did you mean --share?")]
    [InlineData("models rollback a", "a")]
    [InlineData("models registry a", "a")]
    [InlineData("models push a --urls http://127.0.0.1:1", "--urls")]
    [InlineData("queue", "queue")]
    [InlineData("queue list --all", "--all")]
    [InlineData("queue list --queue others", "others")]
    [InlineData("queue redrive", "--all")]
    [InlineData("queue purge", "--all")]
    [InlineData("queue redrive --all 0123456789abcdef0123456789abcdef", "--all")]
    [InlineData("queue purge 123", "123")]
    [InlineData("queue redrive --al", "--al")]
    [InlineData("queue list --urls http://127.0.0.1:1", "--urls")]
    [InlineData("simulate", "--load")]
    [InlineData("simulate --load", "--load")]
    [InlineData("simulate --lod burst:1", "Did you mean --load?")]
    [InlineData("simulate --load burst:1 --seed x", "--seed")]
    [InlineData("simulate --load burst:1 --data dir", "--data")]
    [InlineData("simulate --policies --chart c.png", "--chart")]
    [InlineData("train pictures", "--out")]
    [InlineData("train --out model", "'train'")]
    [InlineData("train pictures --out", "--out")]
    [InlineData("train pictures others --out model", "others")]
    [InlineData("train --jsno --out model", "Did you mean --json?")]
    [InlineData("train pictures --out model --data dir", "--data")]
    public async Task Wrong_use_is_reported_on_standard_error_and_runs_nothing(string arguments, string expected)
    {
        Assert.Equal(ExitCodes.WrongUse, await RunAsync(arguments));
        Assert.Null(_verbs.Called);
        Assert.Equal("", _output.ToString());
        Assert.Contains(expected, _error.ToString(), StringComparison.Ordinal);
        Assert.InRange(ErrorLines().Length, 1, 2);
    }

    [Theory]
    [InlineData("--help", "classify")]
    [InlineData("-h", "--config")]
    [InlineData("web --help", "--urls")]
    [InlineData("node --help", "--instance")]
    [InlineData("classify --help", "--json")]
    [InlineData("simulate --help", "burst:1000@0,1000@90")]
    [InlineData("train --help", "--out")]
    [InlineData("send --help", "IMAGE_CLASSIFIER_KEY")]
    [InlineData("--help --bogus", "Usage")]
    public async Task Help_is_printed(string arguments, string shown)
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        Assert.Contains(shown, _output.ToString(), StringComparison.Ordinal);
        Assert.Equal("", _error.ToString());
        Assert.Null(_verbs.Called);
    }

    [Fact]
    public async Task Send_takes_paths_and_a_service()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(
            "send a.jpg folder - -r --server http://127.0.0.1:1 --key-file key --resume state --csv out.csv"));
        var options = Assert.IsType<SendOptions>(_verbs.Called);
        Assert.Equal(["a.jpg", "folder", "-"], options.Paths);
        Assert.True(options.Recursive);
        Assert.False(options.Json);
        Assert.Equal("http://127.0.0.1:1", options.Server);
        Assert.Equal("key", options.KeyFile);
        Assert.Equal("state", options.Resume);
        Assert.Equal("out.csv", options.Csv);
        Assert.Equal("1", options.Variables["IMAGE_CLASSIFIER__A"]);

        Assert.Equal(ExitCodes.Done, await RunAsync("send --resume state --json"));
        Assert.Empty(Assert.IsType<SendOptions>(_verbs.Called).Paths);
    }

    [Fact]
    public async Task No_help_shows_the_hidden_verb()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("--help"));
        Assert.DoesNotContain(IsolatedClassifierVerb.Name, _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await RunAsync(IsolatedClassifierVerb.Name));
        Assert.Equal(IsolatedClassifierVerb.Name, _verbs.Called);
    }

    [Fact]
    public async Task The_version_is_printed()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("--version"));
        Assert.Matches(@"^\d+\.\d+\.\d+", _output.ToString());
        Assert.Null(_verbs.Called);
    }

    [Theory]
    [InlineData(ExitCodes.Done)]
    [InlineData(ExitCodes.SomeFailed)]
    [InlineData(ExitCodes.WrongUse)]
    public async Task A_verb_s_exit_code_is_the_program_s(int exitCode)
    {
        _verbs.Behaviour = () => exitCode;
        Assert.Equal(exitCode, await RunAsync("web"));
    }

    [Fact]
    public async Task A_wrong_setting_is_wrong_use()
    {
        _verbs.Behaviour = () => throw new InvalidSettingException("a.b", "1", "allowed is 2");
        Assert.Equal(ExitCodes.WrongUse, await RunAsync("web"));
        Assert.Equal(["image-classifier: a.b = 1 is not usable: allowed is 2."], ErrorLines());
    }

    [Theory]
    [InlineData(true, ExitCodes.WrongUse)]
    [InlineData(false, ExitCodes.SomeFailed)]
    public async Task A_failure_with_a_model_is_told_in_its_own_words(bool isWrongUse, int exitCode)
    {
        _verbs.Behaviour = () => throw new ModelFailureException("No model a was added.") { IsWrongUse = isWrongUse };
        Assert.Equal(exitCode, await RunAsync("models show a"));
        Assert.Equal(["image-classifier: No model a was added."], ErrorLines());
    }

    [Fact]
    public async Task A_failure_is_one_line_without_a_stack_trace()
    {
        _verbs.Behaviour = () => throw new IOException("The disk\nis full.");
        Assert.Equal(ExitCodes.SomeFailed, await RunAsync("web"));
        Assert.Equal(["image-classifier: IOException: The disk is full."], ErrorLines());
    }

    [Theory]
    [InlineData("web", true)]
    [InlineData("classify --json a.jpg", true)]
    [InlineData("node --data dir --instance i-1", false)]
    public async Task A_variable_that_looks_like_a_setting_is_reported_on_standard_error(string arguments, bool isReported)
    {
        _variables["IMAGE_CLASSIFIER_SCALING_MAX_INSTANCES"] = "3";
        Assert.Equal(ExitCodes.Done, await RunAsync(arguments));
        Assert.Equal("", _output.ToString());
        Assert.Equal(isReported, _error.ToString().Contains(
            "Write IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES for image-classifier.scaling.max-instances.",
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_request_is_not_reported_as_a_failure()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        _verbs.Behaviour = () => throw new OperationCanceledException();
        Assert.Equal(ExitCodes.SomeFailed, await Program().RunAsync(["web"], stop.Token));
        Assert.Equal("", _error.ToString());
    }

    private CommandLineProgram Program() => new(_verbs, _output, _error, _variables);

    private Task<int> RunAsync(string arguments) => Program().RunAsync(
        arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), CancellationToken.None);

    private string[] ErrorLines() =>
        _error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
}
