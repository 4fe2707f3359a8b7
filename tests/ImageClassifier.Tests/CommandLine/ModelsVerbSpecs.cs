using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Host.Models;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Models;
using ImageClassifier.Tests.Onnx;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

/// <summary>The verbs below <c>models</c> with a data folder.</summary>
public sealed class ModelsVerbSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestModel _model = new TestModel().Write();
    private readonly StringWriter _output = new();
    private readonly string _data;

    public ModelsVerbSpecs() => _data = Path.Combine(_folder.Path, "data");

    public void Dispose()
    {
        _folder.Dispose();
        _model.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task The_catalogue_is_listed_without_a_data_folder()
    {
        Assert.Equal(ExitCodes.Done, await ListAsync());

        var models = Json().EnumerateArray().ToArray();
        string[] expected = [.. ModelCatalogue.Entries.Select(entry => entry.Name), "models/tiny-imagenet-200"];
        Assert.Equal(expected, models.Select(model => model.GetProperty("name").GetString()));
        Assert.All(models.SkipLast(1), model => Assert.False(model.GetProperty("isAdded").GetBoolean()));
        Assert.True(models[^1].GetProperty("isInUse").GetBoolean());
        Assert.False(Directory.Exists(_data));
    }

    [Fact]
    public async Task A_directory_is_added_used_shown_and_removed()
    {
        Assert.Equal(ExitCodes.Done, await AddAsync(_model.Path, name: "mine"));
        var added = Json();
        var path = Path.Combine(_data, "models", "mine");
        Assert.Equal(("added", path), (added.GetProperty("status").GetString(), added.GetProperty("path").GetString()));

        Assert.Equal(path, OnnxSettings.Create(Sources.With(Settings("mine"))).ModelFolder);
        await ListAsync("mine");
        var listed = Json().EnumerateArray().Single(model => model.GetProperty("name").GetString() == "mine");
        Assert.Equal("own", listed.GetProperty("source").GetString());
        Assert.True(listed.GetProperty("isInUse").GetBoolean());

        Assert.Equal(ExitCodes.Done, await ShowAsync("mine"));
        var shown = Json();
        Assert.Equal("channels", shown.GetProperty("contract").GetProperty("name").GetString());
        Assert.Equal(ModelDirectory.Load(_model.Path).Identity.Sha256, shown.GetProperty("sha256").GetString());
        Assert.Equal(3, shown.GetProperty("classes").GetInt32());
        Assert.False(shown.GetProperty("isChanged").GetBoolean());

        var inUse = await Assert.ThrowsAsync<ModelFailureException>(() => RemoveAsync("mine", "mine"));
        Assert.True(inUse.IsWrongUse);
        Assert.Contains("names it", inUse.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await RemoveAsync("mine"));
        Assert.Equal("removed", Json().GetProperty("status").GetString());
        Assert.False(Directory.Exists(path));
    }

    [Fact]
    public async Task A_model_is_in_use_too_if_the_setting_has_its_path()
    {
        await AddAsync(_model.Path, name: "mine");
        var path = Path.Combine(_data, "models", "mine");
        foreach (var setting in new[] { path, path + Path.DirectorySeparatorChar })
            await Assert.ThrowsAsync<ModelFailureException>(() => RemoveAsync("mine", setting));
    }

    [Fact]
    public async Task Show_tells_a_model_that_was_changed_and_one_that_is_damaged()
    {
        await AddAsync(_model.Path, name: "mine");
        var labels = Path.Combine(_data, "models", "mine", "labels.txt");
        File.WriteAllText(labels, "crimson\ngreen\nblue\n");
        await ShowAsync("mine");
        Assert.True(Json().GetProperty("isChanged").GetBoolean());

        File.Delete(labels);
        var damage = await Assert.ThrowsAsync<ModelFailureException>(() => ShowAsync("mine"));
        Assert.Contains("labels.txt is missing", damage.Message, StringComparison.Ordinal);
        Assert.False(damage.IsWrongUse);
    }

    [Fact]
    public async Task Show_tells_what_a_model_of_the_catalogue_would_be()
    {
        Assert.Equal(ExitCodes.Done, await ShowAsync("efficientnet-lite4"));
        var shown = Json();
        Assert.False(shown.GetProperty("isAdded").GetBoolean());
        Assert.Equal("MIT", shown.GetProperty("license").GetString());
        Assert.Equal(51_946_641, shown.GetProperty("bytes").GetInt64());

        await Assert.ThrowsAsync<ModelFailureException>(() => ShowAsync("none"));
    }

    [Fact]
    public async Task People_get_lines_and_a_table()
    {
        await AddAsync(_model.Path, name: "mine", json: false);
        Assert.Contains("node.classification.model=mine", Text(), StringComparison.Ordinal);
        await RunAsync(new ModelsListOptions(Set("mine"), Json: false));
        var table = Text();
        Assert.Matches("mine .*in use", table);
        Assert.Matches("resnet-50 .*to download .*102[.]6 MB .*Apache-2[.]0", table);
        await RunAsync(new ModelsShowOptions(Set("mine"), "mine", Json: false));
        Assert.Matches("Classes: +3", Text());
        await RunAsync(new ModelsRemoveOptions(Set(), "mine", Json: false));
        Assert.Contains("Removed: mine", Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_at_an_address_is_added_with_files_of_this_machine()
    {
        var network = File.ReadAllBytes(_model.File("model.onnx"));
        await using var server = FileServer.Start(request => FileReply.File(request, network));
        var options = Add(server.Address("/Channels.onnx").AbsoluteUri) with
        {
            Sha256 = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(network)),
            Contract = _model.File("model.json"),
            Labels = _model.File("labels.txt"),
            AllowHttp = true,
        };

        Assert.Equal(ExitCodes.Done, await RunAsync(options));

        Assert.Equal("channels", Json().GetProperty("name").GetString());
        await RunAsync(options);
        Assert.Equal("present", Json().GetProperty("status").GetString());
        Assert.Single(server.Requests);

        var secure = await Assert.ThrowsAsync<ModelFailureException>(
            () => RunAsync(options with { Name = "other", AllowHttp = false }));
        Assert.True(secure.IsWrongUse);
    }

    [Theory]
    [InlineData("https://127.0.0.1:1/m.onnx", null, null, "--sha256")]
    [InlineData("https://127.0.0.1:1/m.onnx", "abc", null, "--sha256")]
    [InlineData("https://127.0.0.1:1/m.onnx", Hash, null, "--contract")]
    [InlineData("mobilenetv2", null, "mine", "--name")]
    [InlineData("mobilenetv2", Hash, null, "--sha256")]
    [InlineData(".", Hash, null, "--sha256")]
    [InlineData(".", null, "Not Good", "--name")]
    [InlineData(".", null, "resnet-50", "--name")]
    public async Task An_option_that_does_not_fit_is_named(string what, string? sha256, string? name, string option)
    {
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(
            () => RunAsync(Add(what) with { Sha256 = sha256, Name = name }));
        Assert.Equal(option, wrong.Key);
        Assert.Equal("", _output.ToString());
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("https://user:hunter2@127.0.0.1/m.onnx")]
    [InlineData("http://")]
    public async Task What_cannot_be_added_is_wrong_use(string what)
    {
        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => RunAsync(Add(what)));
        Assert.True(failure.IsWrongUse);
        Assert.DoesNotContain("hunter2", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/m.onnx", "not encrypted")]
    [InlineData("ftp://127.0.0.1:1/m.onnx", "no address of a web server")]
    [InlineData("", "empty text")]
    [InlineData(" ", "empty text")]
    public async Task What_can_never_be_added_is_refused_before_anything_else_is_asked(string what, string reason)
    {
        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => RunAsync(Add(what)));
        Assert.True(failure.IsWrongUse);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_data));
    }

    [Fact]
    public async Task A_refused_model_leaves_no_data_folder()
    {
        File.WriteAllText(_model.File("labels.txt"), "red\n");
        await Assert.ThrowsAsync<ModelFailureException>(() => AddAsync(_model.Path, name: "mine"));
        Assert.False(Directory.Exists(_data));
    }

    [SkippableFact]
    public async Task A_contract_or_labels_that_are_no_regular_files_are_not_opened()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        _model.MakePipe("pipe");
        var options = Add("https://127.0.0.1:1/m.onnx") with
        {
            Sha256 = Hash,
            Contract = _model.File("model.json"),
            Labels = _model.File("labels.txt"),
        };
        foreach (var (path, reason) in new[]
        {
            (_model.File("pipe"), "it is a named pipe (FIFO)"), ("/dev/zero", "it is a device"), (_model.Path, "it is a folder"),
        })
        {
            var contract = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(options with { Contract = path }));
            Assert.Equal(("--contract", true), (contract.Key, contract.Reason.StartsWith(reason, StringComparison.Ordinal)));
            var labels = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(options with { Labels = path }));
            Assert.Equal("--labels", labels.Key);
        }
    }

    [SkippableFact]
    public async Task A_pipe_in_place_of_a_marker_is_not_opened()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        await AddAsync(_model.Path, name: "mine");
        var marker = Path.Combine(_data, "models", "mine", ModelMarker.FileName);
        File.Delete(marker);
        File.Move(_model.MakePipe("pipe").File("pipe"), marker);

        Assert.Equal(ExitCodes.Done, await ListAsync());
        Assert.Equal(ExitCodes.Done, await ShowAsync("mine"));
    }

    [Fact]
    public void Only_an_interrupted_download_is_said_to_be_kept()
    {
        Assert.Contains("is kept", Interrupted(Add("mobilenetv2")), StringComparison.Ordinal);
        Assert.Contains("is kept", Interrupted(Add("https://127.0.0.1/m.onnx")), StringComparison.Ordinal);
        Assert.Equal("Interrupted. No model was added.", Interrupted(Add(_model.Path)));
        Assert.Equal("Interrupted.", Interrupted(new ModelsListOptions(Set(), Json: true)));

        static string Interrupted(ModelsOptions options) => ModelsHosting.InterruptedMessage(options);
    }

    private const string Hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private Task<int> AddAsync(string what, string? name, bool json = true) =>
        RunAsync(Add(what) with { Name = name, Json = json });

    private ModelsAddOptions Add(string what) => new(Set(), what, null, null, null, null, AllowHttp: false, Json: true);

    private Task<int> ListAsync(string? model = null) => RunAsync(new ModelsListOptions(Set(model), Json: true));

    private Task<int> ShowAsync(string name) => RunAsync(new ModelsShowOptions(Set(), name, Json: true));

    private Task<int> RemoveAsync(string name, string? model = null) =>
        RunAsync(new ModelsRemoveOptions(Set(model), name, Json: true));

    private Task<int> RunAsync(ModelsOptions options)
    {
        _output.GetStringBuilder().Clear();
        return ModelsHosting.RunAsync(options, _output, width: null, progress: null, CancellationToken.None);
    }

    private SettingsSources Set(string? model = null) => Sources.Set(Settings(model));

    private string[] Settings(string? model) =>
    [
        $"image-classifier.embedded.data={_data}",
        .. model is null ? Array.Empty<string>() : [$"{ModelDirectory.SettingKey}={model}"],
    ];

    private JsonElement Json() => JsonElement.Parse(Text());

    private string Text() => _output.ToString();
}
