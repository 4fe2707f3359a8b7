using System.Reflection;
using System.Security.Cryptography;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Tests.Onnx;
using Microsoft.ML.OnnxRuntime;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Models;

/// <summary>Models come from the store into the cache whole and checked, or not at all.</summary>
public sealed class RegistryModelsSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestModel _model = new TestModel().Write();
    private readonly FileObjectStore _store;
    private readonly string _cache;

    public RegistryModelsSpecs()
    {
        _store = new FileObjectStore(new EmbeddedLayout(_folder.Path));
        _cache = Path.Combine(_folder.Path, "cache");
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_pushed_model_is_loaded_with_its_samples()
    {
        _model.WriteSample("red.png", SKColors.Red);
        var model = await PushAsync();
        using var registry = Open();
        using var loaded = await registry.LoadAsync(model, false, default);

        Assert.Equal(model.Sha256, loaded.Classifier.Model.Sha256);
        Assert.True(File.Exists(Path.Combine(Assert.Single(Entries), "samples", "red.png")));
    }

    [Fact]
    public async Task A_model_in_the_cache_is_not_fetched_again()
    {
        var model = await PushAsync();
        using (var first = Open()) (await first.LoadAsync(model, false, default)).Dispose();
        await _store.DeleteAsync(RegistryKeys.File(model, (await ListAsync(model)).Files[0]), default);

        using var second = Open();
        using var loaded = await second.LoadAsync(model, false, default);
        Assert.Equal(model.Sha256, loaded.Classifier.Model.Sha256);
    }

    [Fact]
    public async Task A_model_that_is_installed_is_loaded_from_its_directory()
    {
        var identity = ModelDirectory.Load(_model.Path).Identity;
        using var models = Open(installed: _model.Path);
        using var loaded = await models.LoadInstalledAsync(identity, default);

        Assert.Equal(identity.Sha256, loaded!.Classifier.Model.Sha256);
        Assert.False(Directory.Exists(_cache));
    }

    [Fact]
    public async Task A_model_that_is_not_installed_or_has_changed_is_not_loaded()
    {
        var identity = ModelDirectory.Load(_model.Path).Identity;
        using (var none = Open()) Assert.Null(await none.LoadInstalledAsync(identity, default));

        using var changed = Open(installed: _model.Path);
        Assert.Null(await changed.LoadInstalledAsync(identity with { Sha256 = new string('b', 64) }, default));
    }

    [Fact]
    public async Task An_installed_model_that_ends_a_child_process_is_not_loaded_in_this_one()
    {
        using var models = Open(
            installed: _model.Path,
            load: _ => throw new InvalidOperationException("The model must not be loaded."),
            tryInChild: _ => Task.FromException(new UnusableModelException("it crashes")));

        await Assert.ThrowsAsync<UnusableModelException>(
            () => models.LoadInstalledAsync(ModelDirectory.Load(_model.Path).Identity, default));
    }

    [Fact]
    public async Task A_file_of_another_content_is_a_defect()
    {
        var model = await PushAsync();
        var key = RegistryKeys.File(model, FileIn(await ListAsync(model), "labels.txt"));
        await _store.PutAsync(key, "red\ngreen\nblau\n"u8.ToArray(), default);

        await RefusedAsync(model, "labels.txt", "SHA-256");
    }

    [Theory]
    [InlineData("red\ngreen\nblue\nblack\n")]
    [InlineData("red\n")]
    public async Task A_file_of_another_size_is_a_defect(string labels)
    {
        var model = await PushAsync();
        var key = RegistryKeys.File(model, FileIn(await ListAsync(model), "labels.txt"));
        await _store.PutAsync(key, System.Text.Encoding.UTF8.GetBytes(labels), default);

        await RefusedAsync(model, "labels.txt", "bytes");
    }

    [Fact]
    public async Task A_missing_file_is_a_defect()
    {
        var model = await PushAsync();
        await _store.DeleteAsync(RegistryKeys.File(model, FileIn(await ListAsync(model), "model.onnx")), default);

        await RefusedAsync(model, "model.onnx", "missing");
    }

    [Fact]
    public async Task A_missing_list_is_a_defect()
    {
        var model = await PushAsync();
        await _store.DeleteAsync(RegistryKeys.Files(model), default);

        await RefusedAsync(model, "list", "missing");
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc/outside")]
    [InlineData("a/../../outside")]
    [InlineData("a\\..\\outside")]
    public async Task A_path_outside_of_the_model_is_a_defect(string path)
    {
        var model = await PushAsync(list => list with
        {
            Files = [.. list.Files.Skip(1), list.Files[0] with { Path = path }],
        });

        await RefusedAsync(model, "list", "damaged");
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path, "outside", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_path_that_is_a_file_and_a_folder_is_a_defect()
    {
        var model = await PushAsync(list => list with
        {
            Files = [.. list.Files, list.Files[0] with { Path = "labels.txt/more" }],
        });

        await RefusedAsync(model, "labels.txt", "both a file and a folder");
    }

    [Fact]
    public async Task A_path_that_is_too_long_for_the_disk_is_a_defect()
    {
        var model = await PushAsync(list => list with
        {
            Files = [.. list.Files, list.Files[0] with { Path = new string('x', 400) }],
        });

        await RefusedAsync(model, "too long");
    }

    [Fact]
    public async Task A_model_that_is_too_large_is_a_defect()
    {
        var half = (ModelInstaller.MaxNetworkBytes / 2) + 1;
        var model = await PushAsync(list => list with
        {
            Files = [.. list.Files.Select(file => file with { Size = half })],
        });

        await RefusedAsync(model, "larger than");
    }

    [Fact]
    public async Task Files_of_another_model_are_a_defect()
    {
        var right = await PushAsync();
        var model = await PushAsync(list => list with { Model = right with { Sha256 = new string('f', 64) } });

        await RefusedAsync(model, right.Sha256);
    }

    [Fact]
    public async Task A_failed_sample_is_a_defect_and_mended_samples_are_fetched_after_a_new_push()
    {
        _model.WriteSample("red.png", SKColors.Blue);
        var model = await PushAsync();
        var reason = await RefusedAsync(model, "samples/red.png");
        Assert.DoesNotContain(_cache, reason, StringComparison.Ordinal);

        _model.WriteSample("red.png", SKColors.Red);
        Assert.Equal(model, await PushAsync());
        using var registry = Open();
        using var loaded = await registry.LoadAsync(model, false, default);
    }

    [Fact]
    public async Task Two_nodes_fetch_at_once_and_use_one_entry()
    {
        var model = await PushAsync();
        using var one = Open();
        using var other = Open();
        var loaded = await Task.WhenAll(
            Task.Run(() => one.LoadAsync(model, false, default)), Task.Run(() => other.LoadAsync(model, false, default)));

        foreach (var each in loaded) each.Dispose();
        Assert.Single(Entries);
        Assert.Empty(Unfinished);
    }

    [Fact]
    public async Task What_a_killed_fetch_left_is_no_obstacle_and_is_deleted()
    {
        var model = await PushAsync();
        using (var first = Open()) (await first.LoadAsync(model, false, default)).Dispose();
        var entry = Assert.Single(Entries);
        // As after a kill before the rename.
        Directory.Move(entry, $"{entry}.{Guid.NewGuid():n}.part");
        File.Delete(Path.Combine(Assert.Single(Unfinished), "model.onnx"));

        using var second = Open();
        (await second.LoadAsync(model, false, default)).Dispose();
        using var third = Open();
        (await third.LoadAsync(await PushOtherAsync("another"), false, default)).Dispose();
        Assert.Empty(Unfinished);
        Assert.Equal(2, Entries.Length);
    }

    [Fact]
    public async Task An_outage_leaves_nothing_and_is_no_defect()
    {
        var model = await PushAsync();
        var network = RegistryKeys.File(model, FileIn(await ListAsync(model), "model.onnx"));
        using (var registry = Open(new BrokenStore(_store, network)))
            await Assert.ThrowsAnyAsync<IOException>(() => registry.LoadAsync(model, false, default));
        Assert.Empty(Directory.GetDirectories(_cache));

        using var later = Open();
        using var loaded = await later.LoadAsync(model, false, default);
    }

    [Fact]
    public async Task A_damaged_entry_of_the_cache_is_fetched_again()
    {
        var model = await PushAsync();
        using var registry = Open();
        (await registry.LoadAsync(model, false, default)).Dispose();
        File.WriteAllText(Path.Combine(Assert.Single(Entries), "labels.txt"), "red\ngreen\nblau\n");

        using var loaded = await registry.LoadAsync(model, false, default);
        Assert.Equal(model.Sha256, loaded.Classifier.Model.Sha256);
        Assert.Equal(_model.Labels, File.ReadAllText(Path.Combine(Assert.Single(Entries), "labels.txt")));
    }

    [Fact]
    public async Task The_cache_keeps_the_latest_models_and_those_in_use()
    {
        using var registry = Open();
        using var inUse = await registry.LoadAsync(await PushAsync(), false, default);
        var used = Assert.Single(Entries);
        for (var i = 0; i < 7; i++) (await registry.LoadAsync(await PushOtherAsync($"model-{i}"), false, default)).Dispose();

        Assert.Contains(used, Entries);
        Assert.Equal(5, Entries.Length);
        inUse.Dispose();
        (await registry.LoadAsync(await PushOtherAsync("last"), false, default)).Dispose();
        Assert.DoesNotContain(used, Entries);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_this_node_s_fault()
    {
        var model = await PushAsync();
        File.WriteAllText(_cache, "in the way");
        using var registry = Open();

        var failure = await Assert.ThrowsAsync<ModelNotLoadedException>(() => registry.LoadAsync(model, false, default));
        Assert.Contains("Check the free space", failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<Exception> FailuresOfThisMachine =>
    [
        new IOException("Too many open files"),
        new UnauthorizedAccessException("Access is denied"),
        new InvalidOperationException("It failed", new IOException("Input/output error")),
        OnnxRuntimeFailure("Failed to allocate memory for requested buffer of size 9"),
        OnnxRuntimeFailure("Exception during initialization: std::bad_alloc"),
    ];

    [Theory]
    [MemberData(nameof(FailuresOfThisMachine), DisableDiscoveryEnumeration = true)]
    public async Task A_failed_read_and_a_lack_of_memory_are_this_node_s_fault(Exception cause)
    {
        var model = await PushAsync();
        using var registry = Open(load: _ => throw cause);

        var failure = await Assert.ThrowsAsync<ModelNotLoadedException>(() => registry.LoadAsync(model, false, default));
        Assert.Contains(cause.Message, failure.Message, StringComparison.Ordinal);
        Assert.Single(Entries);
    }

    [Fact]
    public async Task Any_other_failure_of_a_load_is_a_defect()
    {
        var model = await PushAsync();
        using var registry = Open(load: _ => throw OnnxRuntimeFailure("Type Error in node memory_attention"));

        await Assert.ThrowsAsync<UnusableModelException>(() => registry.LoadAsync(model, false, default));
    }

    [Theory]
    [InlineData("labels.txt")]
    [InlineData("samples/red.png")]
    public async Task A_file_in_the_cache_that_cannot_be_read_is_this_node_s_fault(string file)
    {
        _model.WriteSample("red.png", SKColors.Red);
        var model = await PushAsync();
        using var registry = Open(load: folder =>
        {
            using var locked = Lock(Path.Combine(folder, file));
            return Load(folder);
        });

        var failure = await Assert.ThrowsAsync<ModelNotLoadedException>(() => registry.LoadAsync(model, false, default));
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_short_memory_may_be_free_again_later()
    {
        var model = await PushAsync();
        using var registry = Open(load: _ => throw new InsufficientMemoryException());

        await Assert.ThrowsAnyAsync<OutOfMemoryException>(() => registry.LoadAsync(model, false, default));
    }

    [Fact]
    public async Task A_model_whose_trial_in_a_child_process_fails_is_not_loaded_in_this_process()
    {
        var model = await PushAsync();
        var loads = 0;
        using var registry = Open(
            tryInChild: folder => Task.FromException(new UnusableModelException($"{Path.GetFileName(folder)} crashes")),
            load: folder =>
            {
                loads++;
                return Load(folder);
            });

        var defect = await Assert.ThrowsAsync<UnusableModelException>(() => registry.LoadAsync(model, false, default));
        Assert.Contains("crashes", defect.Message, StringComparison.Ordinal);
        Assert.Equal(0, loads);
        Assert.Empty(Entries);
    }

    [Fact]
    public async Task A_proven_model_is_loaded_without_a_trial()
    {
        var model = await PushAsync();
        using var registry = Open(tryInChild: _ => Task.FromException(new UnusableModelException("it crashes")));

        using var loaded = await registry.LoadAsync(model, true, default);
    }

    [Fact]
    public async Task An_entry_that_another_process_deletes_is_no_fault()
    {
        var model = await PushAsync();
        using var registry = Open();
        (await registry.LoadAsync(model, false, default)).Dispose();

        using var held = Lock(Assert.Single(Directory.GetFiles(_cache, "*.lock")));
        await Assert.ThrowsAsync<IOException>(() => registry.LoadAsync(model, false, default));
    }

    [SkippableFact]
    public async Task A_lock_that_cannot_be_opened_is_this_node_s_fault()
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "links need a permission there");
        var model = await PushAsync();
        using var registry = Open();
        (await registry.LoadAsync(model, false, default)).Dispose();
        var path = Assert.Single(Directory.GetFiles(_cache, "*.lock"));
        File.Delete(path);
        File.CreateSymbolicLink(path, path);

        await Assert.ThrowsAsync<ModelNotLoadedException>(() => registry.LoadAsync(model, false, default));
    }

    [SkippableFact]
    public async Task A_cache_that_is_a_link_is_not_followed()
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "links need a permission there");
        var model = await PushAsync();
        var elsewhere = Directory.CreateDirectory(Path.Combine(_folder.Path, "elsewhere"));
        Directory.CreateSymbolicLink(_cache, elsewhere.FullName);
        using var registry = Open();

        await Assert.ThrowsAsync<ModelNotLoadedException>(() => registry.LoadAsync(model, false, default));
        Assert.Empty(elsewhere.GetFileSystemInfos());
    }

    [Fact]
    public async Task Nodes_with_a_data_folder_share_a_cache_that_is_no_model_there()
    {
        var layout = new EmbeddedLayout(_folder.Path);
        using var registry = Open(cache: ModelCache.Of(layout, "/nowhere"));
        using var loaded = await registry.LoadAsync(await PushAsync(), false, default);

        Assert.Equal([".registry"], Directory.GetFileSystemEntries(layout.Models).Select(Path.GetFileName));
        Assert.Empty(new ModelStore(layout.Models).List());
    }

    [Fact]
    public async Task A_service_has_its_cache_in_the_folder_that_systemd_made()
    {
        using var registry = Open(cache: ModelCache.Of(null, $"{_cache}:/nowhere"));
        using var loaded = await registry.LoadAsync(await PushAsync(), false, default);

        Assert.Single(Directory.GetDirectories(Path.Combine(_cache, "models")));
    }

    [Fact]
    public async Task Any_other_node_has_a_temporary_cache_for_itself()
    {
        var model = await PushAsync();
        var registry = Open(cache: ModelCache.Of(null, null), load: folder =>
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                    File.GetUnixFileMode(Path.GetDirectoryName(folder)!));
            }

            File.WriteAllText(_cache, folder);
            return Load(folder);
        });
        (await registry.LoadAsync(model, false, default)).Dispose();
        var entry = File.ReadAllText(_cache);
        Assert.True(Directory.Exists(entry));

        registry.Dispose();
        Assert.False(Directory.Exists(Path.GetDirectoryName(entry)));
    }

    private string[] Entries => [.. Directory.GetDirectories(_cache).Except(Unfinished)];

    private string[] Unfinished => Directory.GetDirectories(_cache, "*.part");

    private RegistryModels Open(
        IObjectStore? store = null, ModelCache? cache = null, Func<string, LoadedModel>? load = null,
        Func<string, Task>? tryInChild = null, string? installed = null) =>
        new(
            store ?? _store,
            cache ?? new ModelCache(_cache),
            (folder, _) => tryInChild?.Invoke(folder) ?? Task.CompletedTask,
            load ?? Load,
            _ => installed);

    /// <summary>A file that nobody else can open.</summary>
    private static FileStream Lock(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.None);

    // Its constructor is not public.
    private static Exception OnnxRuntimeFailure(string message)
    {
        var constructor = typeof(OnnxRuntimeException)
            .GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Single(each => each.GetParameters() is [_, var text] && text.ParameterType == typeof(string));
        var code = Enum.ToObject(constructor.GetParameters()[0].ParameterType, 1);
        return (Exception)constructor.Invoke([code, message]);
    }

    private static LoadedModel Load(string folder) => new(
        OnnxImageClassifier.Load(new OnnxClassifierSettings(
            folder, 4, 1, new(1_000_000, 1 << 28, TimeSpan.FromMinutes(1)))),
        new FakeIsolatedClassifier());

    /// <summary>A defect is reported with these words, and nothing stays in the cache.</summary>
    private async Task<string> RefusedAsync(ModelReference model, params string[] words)
    {
        using var registry = Open();
        var defect = await Assert.ThrowsAsync<UnusableModelException>(() => registry.LoadAsync(model, false, default));
        Assert.All(words, word => Assert.Contains(word, defect.Message, StringComparison.Ordinal));
        Assert.Empty(Directory.Exists(_cache) ? Directory.GetDirectories(_cache) : []);
        return defect.Message;
    }

    private async Task<ModelReference> PushOtherAsync(string name)
    {
        using var other = new TestModel().With("channels", name).Write();
        return await PushAsync(other, null);
    }

    private Task<ModelReference> PushAsync(Func<PushedModel, PushedModel>? change = null) => PushAsync(_model, change);

    private async Task<ModelReference> PushAsync(TestModel source, Func<PushedModel, PushedModel>? change)
    {
        var identity = ModelDirectory.Load(source.Path).Identity;
        var files = ModelStore.FilesIn(source.Path).Select(path =>
        {
            var bytes = File.ReadAllBytes(source.File(path));
            return new PushedFile(path, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)));
        });
        var pushed = new PushedModel(
            new ModelReference("mine", identity.Sha256), source.Labels.Trim().Split('\n').Length, [.. files]);
        var changed = change?.Invoke(pushed) ?? pushed;
        foreach (var file in pushed.Files)
        {
            await _store.PutAsync(
                RegistryKeys.File(changed.Model, file),
                await File.ReadAllBytesAsync(source.File(file.Path)),
                default);
        }

        await _store.PutAsync(RegistryKeys.Files(changed.Model), WireJson.WriteUtf8(changed), default);
        return changed.Model;
    }

    private async Task<PushedModel> ListAsync(ModelReference model) =>
        (await _store.ReadDocumentAsync<PushedModel>(RegistryKeys.Files(model), default)).OrNull!;

    private static PushedFile FileIn(PushedModel list, string path) => list.Files.Single(file => file.Path == path);

    /// <summary>A store that breaks off in the middle of one object.</summary>
    private sealed class BrokenStore(IObjectStore store, string broken) : IObjectStore
    {
        public Task PutAsync(string key, Stream content, CancellationToken cancellation) =>
            store.PutAsync(key, content, cancellation);

        public Task<bool> PutIfAbsentAsync(
            string key, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
            store.PutIfAbsentAsync(key, content, cancellation);

        public async Task<StoredObject?> GetAsync(string key, CancellationToken cancellation)
        {
            var stored = await store.GetAsync(key, cancellation);
            if (key != broken || stored is null) return stored;
            await using (stored)
            {
                var half = new byte[stored.Size / 2];
                await stored.Content.ReadExactlyAsync(half, cancellation);
                return stored with { Content = new MemoryStream(half) };
            }
        }

        public IAsyncEnumerable<ObjectListing> ListAsync(string prefix, CancellationToken cancellation) =>
            store.ListAsync(prefix, cancellation);

        public Task DeleteAsync(string key, CancellationToken cancellation) => store.DeleteAsync(key, cancellation);

        public Task<string?> CheckAsync(CancellationToken cancellation) => store.CheckAsync(cancellation);
    }
}
