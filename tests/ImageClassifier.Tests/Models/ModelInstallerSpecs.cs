using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Host.Models;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Onnx;
using Xunit;

namespace ImageClassifier.Tests.Models;

/// <summary>Models are added whole or not at all, and only the program's own are removed.</summary>
public sealed class ModelInstallerSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestModel _model = new TestModel().Write();
    private readonly HttpClient _http = Downloader.CreateClient();
    private readonly ModelStore _store;
    private readonly byte[] _network;
    private int _preparations;

    public ModelInstallerSpecs()
    {
        _store = new ModelStore(Path.Combine(_folder.Path, "models"));
        _network = File.ReadAllBytes(_model.File("model.onnx"));
    }

    public void Dispose()
    {
        _http.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_downloaded_network_becomes_a_model_that_runs()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, _network));

        var added = await AddAsync(server);

        Assert.True(added.IsNew);
        Assert.Equal(Path.Combine(_store.Folder, "mine"), added.Model.Path);
        Assert.Equal(
            [ModelMarker.FileName, "labels.txt", "model.json", "model.onnx"], ModelStore.FilesIn(added.Model.Path));
        Assert.Equal(ModelDirectory.Load(_model.Path).Identity.Sha256, added.Model.Marker!.Sha256);
        Assert.Equal(Hash(_network), added.Model.Marker.NetworkSha256);
        Assert.Equal(server.Address("/model.onnx").AbsoluteUri, added.Model.Marker.Source);
        AssertNothingUnfinished();
    }

    [Fact]
    public async Task A_model_of_the_catalogue_gets_its_contract_and_ImageNet_s_labels()
    {
        await using var server = FileServer.Start(CatalogueFiles);

        var added = await Installer(withTrial: false).AddAsync(Entry(server), _ => { }, default);

        Assert.Equal(_model.Json, File.ReadAllText(Path.Combine(added.Model.Path, "model.json")));
        var labels = File.ReadAllLines(Path.Combine(added.Model.Path, "labels.txt"));
        Assert.Equal(1000, labels.Length);
        Assert.Equal("tench, Tinca tinca", labels[0]);
        Assert.Equal("MIT", added.Model.Marker!.License);
        AssertNothingUnfinished();
    }

    [Fact]
    public async Task A_page_in_place_of_the_labels_stops_the_download()
    {
        await using var server = FileServer.Start(request => request.Path == "/synset.txt"
            ? FileReply.Whole("<html>Sign in</html>"u8.ToArray())
            : FileReply.File(request, _network));

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => Installer(withTrial: false).AddAsync(Entry(server), _ => { }, default));

        Assert.Contains("not the list of ImageNet's classes", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["/synset.txt"], server.Requests.Select(request => request.Path));
        Assert.Empty(_store.List());
    }

    [Fact]
    public async Task A_wrong_hash_adds_nothing_and_keeps_nothing()
    {
        byte[] other = [.. _network];
        other[^1] ^= 1;
        await using var server = FileServer.Start(request => FileReply.File(request, other));

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => AddAsync(server));

        Assert.Contains(Hash(other), failure.Message, StringComparison.Ordinal);
        Assert.Contains(Hash(_network), failure.Message, StringComparison.Ordinal);
        Assert.Empty(_store.List());
        Assert.DoesNotContain(ModelStore.FilesIn(_store.Folder), file => file.EndsWith(".part", StringComparison.Ordinal));

        server.Answer = request => FileReply.File(request, _network);
        Assert.True((await AddAsync(server)).IsNew);
    }

    [Fact]
    public async Task A_cancelled_download_leaves_no_model_and_is_resumed()
    {
        var never = new TaskCompletionSource().Task;
        var cut = _network.Length / 2;
        await using var server = FileServer.Start(request =>
            FileReply.File(request, _network).CutAfter(cut) with { Until = never });
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AddAsync(
            server, report: progress => { if (progress.Done == cut) stop.Cancel(); }, cancellation: stop.Token));
        Assert.Empty(_store.List());
        Assert.Null(_store.Find("mine"));

        server.Answer = request => FileReply.File(request, _network);
        Assert.True((await AddAsync(server)).IsNew);

        Assert.Equal(cut, server.Requests[^1].Start);
        AssertNothingUnfinished();
    }

    [Fact]
    public async Task A_process_that_was_killed_while_it_put_the_model_together_leaves_no_model()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, _network));
        using (var killed = _store.Begin("mine"))
        {
            killed.ExpectNetwork(Hash(_network));
            killed.Stage();
            killed.Write("model.json", Encoding.UTF8.GetBytes(_model.Json));
        }

        Assert.Empty(_store.List());
        Assert.True((await AddAsync(server)).IsNew);
        AssertNothingUnfinished();
    }

    [Fact]
    public async Task A_part_of_another_network_is_not_resumed()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, _network));
        using (var earlier = _store.Begin("mine"))
        {
            earlier.ExpectNetwork(new string('a', 64));
            using var part = earlier.Network.Create("\"v1\"");
            part.Write(new byte[10]);
        }

        await AddAsync(server);

        Assert.Equal([0], server.Requests.Select(request => request.Start));
    }

    [Fact]
    public async Task Of_two_processes_that_add_a_model_one_is_told_to_wait()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource();
        await using var server = FileServer.Start(request =>
        {
            asked.TrySetResult();
            return FileReply.File(request, _network).CutAfter(1) with { Until = go.Task };
        });
        var first = AddAsync(server);
        await asked.Task;

        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => AddAsync(server));
        Assert.Contains("Another process", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Another process", Assert.Throws<ModelFailureException>(() => { _store.Remove("mine"); }).Message,
            StringComparison.Ordinal);

        server.Answer = request => FileReply.File(request, _network);
        go.SetResult();
        Assert.True((await first).IsNew);
    }

    [SkippableFact]
    public void A_folder_that_cannot_be_written_is_not_taken_for_one_that_is_in_use()
    {
        Requirement.Met(Directory.Exists("/proc/self"), "this system has no folder in which nobody can write");
        Assert.ThrowsAny<IOException>(() => UnfinishedModel.Begin("/proc/self", "mine", "/proc/self/mine"));
    }

    [Fact]
    public async Task A_model_that_is_there_is_not_downloaded_again_and_never_replaced()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, _network));
        await AddAsync(server);

        Assert.False((await AddAsync(server)).IsNew);
        Assert.Single(server.Requests);

        _model.Labels = "crimson\ngreen\nblue\n";
        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => AddAsync(server));
        Assert.True(failure.IsWrongUse);
        Assert.Contains("models remove mine", failure.Message, StringComparison.Ordinal);
        Assert.Equal("red\ngreen\nblue\n", File.ReadAllText(Path.Combine(_store.Folder, "mine", "labels.txt")));
    }

    [Fact]
    public async Task A_contract_that_does_not_fit_can_be_mended_without_another_download()
    {
        await using var server = FileServer.Start(request => FileReply.File(request, _network));
        _model.Labels = "red\ngreen\n";
        var failure = await Assert.ThrowsAsync<ModelFailureException>(() => AddAsync(server));
        Assert.Contains("names 2 classes, but the model has 3", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_store.List());

        _model.Labels = "red\ngreen\nblue\n";
        Assert.True((await AddAsync(server)).IsNew);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_directory_is_copied_with_what_lies_below_it()
    {
        Directory.CreateDirectory(_model.File("notes"));
        File.WriteAllText(_model.File("notes/card.md"), "a card");
        Directory.CreateDirectory(_model.File(".git"));
        File.WriteAllText(_model.File(".git/config"), "not of the model");

        var added = await Installer().AddDirectoryAsync(_model.Path, "copy", default);

        Assert.Equal(
            [ModelMarker.FileName, "labels.txt", "model.json", "model.onnx", "notes/card.md"],
            ModelStore.FilesIn(added.Model.Path));
        Assert.Equal(ModelDirectory.Load(_model.Path).Identity, ModelDirectory.Load(added.Model.Path).Identity);
        Assert.False((await Installer().AddDirectoryAsync(_model.Path, "copy", default)).IsNew);
        Assert.True(_store.Remove("copy"));
        Assert.Empty(_store.List());
    }

    [Fact]
    public async Task A_directory_without_a_working_model_is_not_copied()
    {
        File.WriteAllText(_model.File("labels.txt"), "red\n");

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => Installer().AddDirectoryAsync(_model.Path, "copy", default));

        Assert.Contains("labels.txt names 1 classes", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_store.Folder));
    }

    [SkippableFact]
    public async Task Links_and_what_is_no_file_are_refused_by_name()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        Directory.CreateSymbolicLink(_model.File("circle"), _model.Path);
        Directory.CreateDirectory(_model.File("notes"));
        File.CreateSymbolicLink(_model.File("notes/secret.md"), "/etc/hostname");
        File.CreateSymbolicLink(_model.File(".hidden"), "/etc/hostname");
        _model.MakePipe("notes/pipe");

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => Installer().AddDirectoryAsync(_model.Path, "copy", default));

        Assert.Contains(
            $"circle is a link to {_model.Path}, notes/pipe is a named pipe (FIFO), notes/secret.md is a link to /etc/hostname. ",
            failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_store.Folder));
        Assert.Equal(0, _preparations);
    }

    [SkippableFact]
    public async Task A_link_in_place_of_labels_is_refused_before_it_is_read()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "making links needs a privilege on Windows");
        File.Delete(_model.File("labels.txt"));
        File.CreateSymbolicLink(_model.File("labels.txt"), "/etc/hostname");

        var failure = await Assert.ThrowsAsync<ModelFailureException>(
            () => Installer().AddDirectoryAsync(_model.Path, "copy", default));

        Assert.Contains("labels.txt is a link to /etc/hostname", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_store.Folder));
    }

    [SkippableFact]
    public async Task The_directory_itself_may_be_a_link()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "making links needs a privilege on Windows");
        var link = Path.Combine(_folder.Path, "link");
        Directory.CreateSymbolicLink(link, _model.Path);

        var added = await Installer().AddDirectoryAsync(link, "copy", default);

        Assert.Equal(ModelDirectory.Load(_model.Path).Identity, ModelDirectory.Load(added.Model.Path).Identity);
    }

    [Fact]
    public async Task A_process_that_was_killed_while_it_copied_does_not_hinder_the_next()
    {
        using (var killed = _store.Begin("copy"))
        {
            killed.Stage();
            killed.Write("model.json", Encoding.UTF8.GetBytes(_model.Json));
        }

        File.WriteAllText(Path.Combine(_store.Folder, ".unfinished", "copy.lock"), "");
        Assert.True((await Installer().AddDirectoryAsync(_model.Path, "copy", default)).IsNew);
        AssertNothingUnfinished();
    }

    [Fact]
    public async Task Only_the_program_s_own_files_are_removed()
    {
        var added = await Installer().AddDirectoryAsync(_model.Path, "copy", default);
        var notes = Path.Combine(added.Model.Path, "notes.txt");
        File.WriteAllText(notes, "mine");

        var failure = Assert.Throws<ModelFailureException>(() => { _store.Remove("copy"); });

        Assert.Contains("notes.txt", failure.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(notes));
        Assert.Equal("copy", Assert.Single(_store.List()).Name);
        File.Delete(notes);
        Assert.True(_store.Remove("copy"));
        AssertNothingUnfinished();
    }

    [Fact]
    public void A_folder_that_someone_else_put_there_is_not_removed()
    {
        var foreign = Directory.CreateDirectory(Path.Combine(_store.Folder, "foreign"));
        File.WriteAllText(Path.Combine(foreign.FullName, "labels.txt"), "");

        Assert.True(Assert.Throws<ModelFailureException>(() => { _store.Remove("foreign"); }).IsWrongUse);

        Assert.Null(Assert.Single(_store.List()).Marker);
        Assert.Single(foreign.GetFiles());
    }

    [Theory]
    [InlineData("none")]
    [InlineData("../models")]
    [InlineData(".unfinished")]
    public void An_unknown_model_is_not_removed(string name)
    {
        Assert.True(Assert.Throws<ModelFailureException>(() => { _store.Remove(name); }).IsWrongUse);
        Assert.False(Directory.Exists(_store.Folder));
    }

    [Fact]
    public async Task The_rest_of_an_interrupted_download_can_be_removed()
    {
        await using var server = FileServer.Start(_ => FileReply.Status("404 Not Found"));
        await Assert.ThrowsAsync<ModelFailureException>(() => AddAsync(server));

        Assert.False(_store.Remove("mine"));

        AssertNothingUnfinished();
        Assert.Throws<ModelFailureException>(() => { _store.Remove("mine"); });
    }

    private Task<AddedModel> AddAsync(
        FileServer server, Action<TransferProgress>? report = null, CancellationToken cancellation = default)
    {
        var source = new NetworkSource(
            "mine", server.Address("/model.onnx"), null, Hash(_network), null, Encoding.UTF8.GetBytes(_model.Json));
        return Installer().AddAsync(source, Encoding.UTF8.GetBytes(_model.Labels), report ?? (_ => { }), cancellation);
    }

    private ModelInstaller Installer(bool withTrial = true) => new(
        _store,
        () => _preparations++,
        new Downloader(
            _http,
            new DownloadLimits(
                TimeSpan.FromMinutes(1), new RetryPolicy(3, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2))),
            allowsHttp: true,
            TimeProvider.System),
        folder =>
        {
            if (withTrial)
                OnnxImageClassifier.Load(new OnnxClassifierSettings(folder, 2, 1, TestModel.Limits(1_000_000))).Dispose();
            return ModelDirectory.Load(folder).Identity;
        });

    private FileReply CatalogueFiles(FileRequest request) =>
        FileReply.File(request, request.Path == "/synset.txt" ? Synset.Bytes(Synset.Lines) : _network);

    private CatalogueEntry Entry(FileServer server) => new(
        "known", "a test", server.Address("/model.onnx"), _network.Length, Hash(_network), "MIT", _model.Json,
        server.Address("/synset.txt"));

    private void AssertNothingUnfinished() =>
        Assert.DoesNotContain(
            ModelStore.FilesIn(_store.Folder), file => file.StartsWith(".unfinished", StringComparison.Ordinal));

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
