using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Contracts;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

/// <summary>The store's times are the file system's, so there is no clock to skew.</summary>
public sealed class FileObjectStoreSpecs : ObjectStoreContract
{
    private readonly TemporaryFolder _folder = new();

    protected override Task<IStoreUnderTest> CreateAsync() =>
        Task.FromResult<IStoreUnderTest>(new FileStoreUnderTest(_folder));

    [Fact]
    public async Task No_temporary_file_is_left()
    {
        await PutAsync("a/1", "x");
        await Store.PutIfAbsentAsync("a/1", new byte[1], default);
        await Store.PutIfAbsentAsync("a/2", new byte[1], default);
        await Assert.ThrowsAsync<InvalidDataException>(() => Store.PutAsync("a/3", new FailingStream(99), default));

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Layout.Temporary));
    }

    [Fact]
    public async Task Deleting_the_last_object_of_a_folder_deletes_the_folder()
    {
        await PutAsync("images/batch/1.jpg", "x");
        await PutAsync("images/batch/2.jpg", "x");

        await Store.DeleteAsync("images/batch/1.jpg", default);
        Assert.True(Directory.Exists(Path.Combine(_folder.Layout.Objects, "images", "batch")));
        await Store.DeleteAsync("images/batch/2.jpg", default);

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Layout.Objects));
        Assert.True(Directory.Exists(_folder.Layout.Objects));
    }

    [Fact]
    public async Task A_key_below_an_object_and_an_object_in_place_of_a_folder_are_refused()
    {
        await PutAsync("a/b", "x");

        await Assert.ThrowsAnyAsync<IOException>(() => PutAsync("a/b/c", "x"));
        await Assert.ThrowsAnyAsync<IOException>(() => Store.PutIfAbsentAsync("a/b/c", new byte[1], default));
        await Assert.ThrowsAnyAsync<IOException>(() => PutAsync("a", "x"));
        await Assert.ThrowsAnyAsync<IOException>(() => Store.PutIfAbsentAsync("a", new byte[1], default));

        Assert.Equal("x", await TextAsync("a/b"));
        Assert.Null(await Store.GetAsync("a/b/c", default));
        await Store.DeleteAsync("a/b/c", default);
        await Store.DeleteAsync("a", default);
        Assert.Empty(await ListAsync("a/b/"));
        Assert.Equal("a/b", Assert.Single(await ListAsync("")).Key);
    }

    [Fact]
    public async Task A_store_that_cannot_be_reached_throws_an_IOException()
    {
        await File.WriteAllTextAsync(_folder.File("objects"), "a file where the folder should be");

        await Assert.ThrowsAnyAsync<IOException>(() => PutAsync("a/b", "x"));
        await Assert.ThrowsAnyAsync<IOException>(() => Store.PutIfAbsentAsync("a", new byte[1], default));
    }

    [Fact]
    public async Task Failures_come_with_the_task_and_never_from_the_call_itself()
    {
        // A well-formed key whose name is too long for a file system.
        Task[] calls = [.. Calls(new string('k', 5000), default)];

        foreach (var call in calls) await Assert.ThrowsAnyAsync<IOException>(() => call);
    }

    [SkippableFact]
    public async Task A_store_without_write_permission_refuses_for_good()
    {
        // The kernel's own folder: not even root can create anything in it.
        const string Forbidden = "/sys/kernel/image-classifier";
        Requirement.Met(Directory.Exists("/sys/kernel"), "no folder is known that forbids everyone to write");
        var store = new FileObjectStore(Forbidden, _folder.Layout.Temporary);
        var nowhere = new FileObjectStore(_folder.Layout.Objects, Forbidden);

        await Assert.ThrowsAsync<StoreRefusedException>(() => store.PutAsync("a/b", new byte[1], default));
        await Assert.ThrowsAsync<StoreRefusedException>(() => store.PutIfAbsentAsync("a/b", new byte[1], default));
        await Assert.ThrowsAsync<StoreRefusedException>(() => nowhere.PutAsync("a/b", new byte[1], default));
    }

    [Fact]
    public async Task Files_that_are_not_objects_are_not_listed()
    {
        await PutAsync("a/b", "x");
        await File.WriteAllTextAsync(Path.Combine(_folder.Layout.Objects, "a", "b (copy).txt"), "someone's");

        Assert.Equal("a/b", Assert.Single(await ListAsync("")).Key);
    }

    [Fact]
    public async Task A_check_of_a_sound_store_succeeds_and_leaves_nothing()
    {
        Assert.Null(await Store.CheckAsync(default));

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Layout.Objects));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Layout.Temporary));
    }

    [Theory]
    [InlineData("images", "Pictures cannot be stored.")]
    [InlineData("results", "Results cannot be stored.")]
    [InlineData("batches", "Records of batches cannot be stored.")]
    [InlineData("launches", "Notes of launches cannot be stored.")]
    public async Task A_check_reports_which_objects_cannot_be_stored_and_no_path(string folder, string failing)
    {
        Directory.CreateDirectory(_folder.Layout.Objects);
        await File.WriteAllTextAsync(Path.Combine(_folder.Layout.Objects, folder), "a file where the folder should be");

        Assert.Equal(failing, await Store.CheckAsync(default));
    }

    [Fact]
    public async Task A_check_reports_that_files_cannot_be_written()
    {
        await File.WriteAllTextAsync(_folder.Layout.Temporary, "a file where the folder should be");

        Assert.Equal("Nothing can be stored.", await Store.CheckAsync(default));
    }

    [SkippableFact]
    public async Task A_check_reports_a_full_disk()
    {
        Skip.IfNot(TryMountTiny(_folder.Layout.Temporary), "no disk in memory may be mounted here");
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(_folder.Layout.Temporary, "ballast"), new byte[4096]);

            Assert.Equal("Nothing can be stored: the disk is full.", await Store.CheckAsync(default));
        }
        finally
        {
            Run("umount", _folder.Layout.Temporary);
        }
    }

    private static bool TryMountTiny(string folder)
    {
        Directory.CreateDirectory(folder);
        return Run("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private sealed class FileStoreUnderTest(TemporaryFolder folder) : IStoreUnderTest
    {
        public IObjectStore Open() => new FileObjectStore(folder.Layout);

        public ValueTask DisposeAsync()
        {
            folder.Remove();
            return ValueTask.CompletedTask;
        }
    }
}
