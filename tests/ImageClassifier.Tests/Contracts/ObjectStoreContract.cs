using System.Text;
using ImageClassifier.Core.Ports;
using Xunit;

namespace ImageClassifier.Tests.Contracts;

/// <summary>A store for one contract test, as several processes see it.</summary>
public interface IStoreUnderTest : IAsyncDisposable
{
    /// <summary>The store in another process.</summary>
    IObjectStore Open();
}

/// <summary>The contract of every <see cref="IObjectStore"/>.</summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    private IStoreUnderTest _underTest = null!;

    /// <summary>The store under test.</summary>
    protected IObjectStore Store { get; private set; } = null!;

    /// <summary>False for an emulator that sorts differently from the real service.</summary>
    protected virtual bool ListsInOrdinalOrder => true;

    protected abstract Task<IStoreUnderTest> CreateAsync();

    public async Task InitializeAsync()
    {
        _underTest = await CreateAsync();
        Store = _underTest.Open();
    }

    public async Task DisposeAsync() => await _underTest.DisposeAsync();

    [SkippableFact]
    public async Task Every_reader_gets_the_whole_object_that_was_put()
    {
        var bytes = new byte[3_000_000];
        new Random(7).NextBytes(bytes);
        await Store.PutAsync("images/a/1.jpg", new MemoryStream(bytes), default);

        await using var stored = await _underTest.Open().GetAsync("images/a/1.jpg", default);

        Assert.NotNull(stored);
        Assert.Equal(bytes.Length, stored.Size);
        var copy = new MemoryStream();
        await stored.Content.CopyToAsync(copy);
        Assert.True(bytes.AsSpan().SequenceEqual(copy.ToArray()));
    }

    [SkippableFact]
    public async Task A_missing_object_is_read_as_missing()
    {
        await PutAsync("a/b/c", "text");

        Assert.Null(await Store.GetAsync("a/b/d", default));
        Assert.Null(await Store.GetAsync("a/b", default));
        Assert.Null(await Store.GetAsync("x/y", default));
    }

    [SkippableFact]
    public async Task An_empty_object_is_an_object()
    {
        await PutAsync("empty", "");

        Assert.Equal("", await TextAsync("empty"));
        Assert.Equal(0, Assert.Single(await ListAsync("")).Size);
    }

    [SkippableFact]
    public async Task A_put_replaces_an_earlier_object()
    {
        await PutAsync("a/key", "the first, longer one");
        await PutAsync("a/key", "second");

        Assert.Equal("second", await TextAsync("a/key"));
        Assert.Equal(6, Assert.Single(await ListAsync("a/")).Size);
    }

    [SkippableFact]
    public async Task A_reader_sees_one_whole_object_while_it_is_replaced()
    {
        await PutAsync("a/key", new string('0', 100_000));
        var writing = Task.Run(async () =>
        {
            for (var i = 1; i <= 30; i++) await PutAsync("a/key", new string((char)('0' + (i % 10)), 100_000));
        });

        do
        {
            var text = await TextAsync("a/key");
            Assert.Equal(100_000, text!.Length);
            Assert.Equal(text[0], Assert.Single(text.Distinct()));
        } while (!writing.IsCompleted);

        await writing;
    }

    [SkippableFact]
    public async Task Put_if_absent_keeps_an_existing_object()
    {
        Assert.True(await Store.PutIfAbsentAsync("r/1.json", "first"u8.ToArray(), default));
        Assert.False(await Store.PutIfAbsentAsync("r/1.json", "second"u8.ToArray(), default));

        Assert.Equal("first", await TextAsync("r/1.json"));
    }

    [SkippableFact]
    public async Task Exactly_one_of_several_concurrent_puts_if_absent_succeeds()
    {
        for (var round = 0; round < 100; round++)
        {
            var key = $"race/{round}/result.json";
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var racers = Enumerable.Range(0, 8).Select(async racer =>
            {
                var store = _underTest.Open();
                await start.Task;
                return await store.PutIfAbsentAsync(key, Encoding.UTF8.GetBytes($"{racer}"), default);
            }).ToArray();
            start.SetResult();
            var won = await Task.WhenAll(racers);

            Assert.Equal(1, won.Count(success => success));
            Assert.Equal($"{Array.IndexOf(won, true)}", await TextAsync(key));
        }
    }

    [SkippableFact]
    public async Task A_put_whose_content_fails_stores_nothing()
    {
        await PutAsync("a/kept", "before");

        await Assert.ThrowsAsync<InvalidDataException>(
            () => Store.PutAsync("a/new", new FailingStream(200_000), default));
        await Assert.ThrowsAsync<InvalidDataException>(
            () => Store.PutAsync("a/kept", new FailingStream(200_000), default));

        Assert.Null(await Store.GetAsync("a/new", default));
        Assert.Equal("before", await TextAsync("a/kept"));
    }

    [SkippableFact]
    public async Task A_cancelled_put_stores_nothing()
    {
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.PutAsync("a/new", new CancellingStream(cancellation, 200_000), cancellation.Token));

        Assert.Null(await Store.GetAsync("a/new", default));
        Assert.Empty(await ListAsync(""));
    }

    [SkippableFact]
    public async Task A_listing_has_the_keys_with_the_prefix_in_ordinal_order()
    {
        string[] keys =
        [
            "a-b", "a.b", "a/b", "a/b.c", "a/c/d", "a0", "aB", "ab/1", "ab/10", "ab/2", "b/x", "B-/x",
            "results/1/a.json", "results/1-/a.json", "results/1.5/a.json", "results/10/a.json",
        ];
        string[] prefixes =
            ["", "a", "a/", "a/b", "ab/1", "results/1", "results/1/", "none/", "a/b/", "A", "."];
        foreach (var key in keys.Reverse()) await PutAsync(key, key);

        foreach (var prefix in prefixes)
        {
            var expected = keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal);
            var found = (await ListAsync(prefix)).Select(listing => listing.Key);
            Assert.Equal(expected, ListsInOrdinalOrder ? found : found.Order(StringComparer.Ordinal));
        }
    }

    [SkippableFact]
    public async Task A_listing_shows_sizes_and_the_times_of_the_store()
    {
        await PutAsync("a/1", "12345");

        var found = Assert.Single(await ListAsync("a/"));
        await using var stored = await Store.GetAsync("a/1", default);

        Assert.Equal(5, found.Size);
        // Some stores list whole seconds.
        Assert.InRange(found.LastModified - stored!.LastModified, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(1));
        Assert.InRange(
            found.LastModified - TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(-5), TimeSpan.FromMinutes(5));
    }

    [SkippableFact]
    public async Task A_listing_continues_while_objects_are_added_and_deleted()
    {
        for (var i = 0; i < 200; i++) await PutAsync($"many/{i:d4}/object", "x");

        var seen = new List<string>();
        await foreach (var found in Store.ListAsync("many/", default))
        {
            seen.Add(found.Key);
            if (seen.Count != 10) continue;
            for (var i = 20; i < 120; i++) await Store.DeleteAsync($"many/{i:d4}/object", default);
            await PutAsync("many/9999/object", "x");
        }

        Assert.Equal(seen.Order(StringComparer.Ordinal), seen);
        Assert.Superset(Enumerable.Range(120, 80).Select(i => $"many/{i:d4}/object").ToHashSet(), seen.ToHashSet());
    }

    [SkippableFact]
    public async Task A_deleted_object_is_gone_and_can_be_put_again()
    {
        await PutAsync("a/b/1", "x");
        await PutAsync("a/b/2", "y");

        await Store.DeleteAsync("a/b/1", default);
        await Store.DeleteAsync("a/b/1", default);
        await Store.DeleteAsync("never/was/there", default);

        Assert.Null(await Store.GetAsync("a/b/1", default));
        Assert.Equal("a/b/2", Assert.Single(await ListAsync("")).Key);
        Assert.True(await Store.PutIfAbsentAsync("a/b/1", "again"u8.ToArray(), default));
        Assert.Equal("again", await TextAsync("a/b/1"));
    }

    [SkippableFact]
    public async Task Puts_and_deletes_in_one_folder_do_not_disturb_each_other()
    {
        var workers = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var store = _underTest.Open();
            for (var i = 0; i < 100; i++)
            {
                await store.PutAsync($"busy/deep/folder/{worker}", "x"u8.ToArray(), default);
                await store.DeleteAsync($"busy/deep/folder/{worker}", default);
            }
        }));

        await Task.WhenAll(workers);
        Assert.Empty(await ListAsync(""));
    }

    [SkippableTheory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("...")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("C:a")]
    [InlineData("grüße")]
    [InlineData("a\0b")]
    public async Task An_invalid_key_is_refused(string key)
    {
        await Assert.ThrowsAnyAsync<ArgumentException>(() => PutAsync(key, "x"));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.PutIfAbsentAsync(key, new byte[1], default));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.GetAsync(key, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.DeleteAsync(key, default));
    }

    [SkippableFact]
    public async Task Refusals_and_cancellations_fault_the_task_and_are_not_thrown_by_the_call()
    {
        // An actor that pipes the task to itself sees only an exception in the task.
        Task[] refused = [.. Calls("no//key", default)];
        Task[] cancelled = [.. Calls("a/key", new CancellationToken(canceled: true))];

        foreach (var call in refused) await Assert.ThrowsAnyAsync<ArgumentException>(() => call);
        foreach (var call in cancelled) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    /// <summary>Each call of a store that returns a task.</summary>
    protected IEnumerable<Task> Calls(string key, CancellationToken cancellation)
    {
        yield return Store.PutAsync(key, new MemoryStream(new byte[1]), cancellation);
        yield return Store.PutIfAbsentAsync(key, new byte[1], cancellation);
        yield return Store.GetAsync(key, cancellation);
        yield return Store.DeleteAsync(key, cancellation);
    }

    protected Task PutAsync(string key, string text) =>
        Store.PutAsync(key, new MemoryStream(Encoding.UTF8.GetBytes(text)), default);

    protected async Task<string?> TextAsync(string key)
    {
        await using var stored = await Store.GetAsync(key, default);
        if (stored is null) return null;
        using var reader = new StreamReader(stored.Content);
        return await reader.ReadToEndAsync();
    }

    protected async Task<List<ObjectListing>> ListAsync(string prefix)
    {
        var all = new List<ObjectListing>();
        await foreach (var found in Store.ListAsync(prefix, default)) all.Add(found);
        return all;
    }
}
