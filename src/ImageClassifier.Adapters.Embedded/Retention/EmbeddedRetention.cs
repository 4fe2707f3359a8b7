using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Embedded.Retention;

/// <summary>Deletes what is older than the retention from a data folder: objects, messages, ended instances, free lock
/// files, logs, and temporary files of killed processes.</summary>
/// <remarks>
/// Each object is deleted by its own age. A batch's pictures are minutes older than its manifest, and its manifest is
/// older than its results. So a batch disappears in that order, and nothing needs to keep it together: a batch without
/// its manifest is not found, and a missing picture is reported as gone. Only files with names of the program are
/// deleted, and no link is followed. Other files belong to someone else. Models stay at any age.
/// </remarks>
/// <param name="layout">The data folder.</param>
/// <param name="settings">The retention.</param>
/// <param name="log">Receives what could not be deleted.</param>
/// <param name="time">The current time, which is compared with times of the file system and the databases.</param>
public sealed class EmbeddedRetention(
    EmbeddedLayout layout, RetentionSettings settings, ILogger<EmbeddedRetention> log, TimeProvider? time = null)
{
    // The table tells which files belong to instances. So its rows are deleted after the files.
    private static readonly TimeSpan RowsOutliveFilesFor = TimeSpan.FromHours(1);

    // A put under way writes more often than this.
    private static readonly TimeSpan TemporaryAge = TimeSpan.FromHours(1);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Deletes what is old now. A failure is logged, stops nothing else, and is retried in the next
    /// run.</summary>
    /// <returns>The numbers of deleted things.</returns>
    public async Task<RetentionSummary> RunOnceAsync(CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        var before = now - settings.Retention;
        var named = await NamesOfInstancesAsync(cancellation);
        return new RetentionSummary(
            Objects: await TryAsync("objects", () => RemoveObjectsAsync(before, cancellation)),
            Messages: await TryAsync("requests", () => RemoveMessagesAsync(layout.RequestQueue, before, cancellation))
                + await TryAsync("responses", () => RemoveMessagesAsync(layout.ResponseQueue, before, cancellation)),
            Files: RemoveFiles(layout.Instances, before, IsLock, ExclusiveFileLock.TryRemove, cancellation)
                + RemoveFiles(layout.Logs, before, IsLog, RemoveFile, cancellation)
                + RemoveFiles(layout.Temporary, now - TemporaryAge, OwnFileNames.IsTemporary, RemoveFile, cancellation),
            Instances: await TryAsync(
                "instances", () => RemoveInstancesAsync(before - RowsOutliveFilesFor, cancellation)));

        bool IsLock(string name) => IsInstance(OwnFileNames.InstanceOfLock(name));
        bool IsLog(string name) => IsInstance(OwnFileNames.InstanceOfLog(name));
        bool IsInstance(string? name) => name is not null && (OwnFileNames.IsOfFleet(name) || named.Contains(name));
    }

    /// <summary>The instances in the table. An instance that was started by hand can have any name.</summary>
    private async Task<HashSet<string>> NamesOfInstancesAsync(CancellationToken cancellation)
    {
        HashSet<string> names = [];
        if (!File.Exists(layout.FleetTable)) return names;
        await TryAsync("instances", async () =>
        {
            await using var table = new FleetTable(layout);
            names.UnionWith(await table.CallAsync(session => session.AllNames(), cancellation));
            return 0;
        });
        return names;
    }

    private async Task<int> RemoveObjectsAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        var store = new FileObjectStore(layout);
        var removed = 0;
        await foreach (var found in store.ListAsync("", cancellation))
        {
            if (found.LastModified >= before || !ExpiringKeys.Contains(found.Key)) continue;
            removed += await TryAsync(found.Key, async () =>
            {
                await store.DeleteAsync(found.Key, cancellation);
                return 1;
            });
        }

        return removed;
    }

    private static async Task<int> RemoveMessagesAsync(
        string database, DateTimeOffset before, CancellationToken cancellation)
    {
        if (!File.Exists(database)) return 0;
        await using var thread = new SqliteThread<QueueRetentionSession>(
            "queue retention", () => new QueueRetentionSession(database));
        return await thread.RunAsync(session => session.RemoveSentBefore(before), cancellation);
    }

    private async Task<int> RemoveInstancesAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        if (!File.Exists(layout.FleetTable)) return 0;
        await using var table = new FleetTable(layout);
        return await table.CallAsync(session => session.Forget(before), cancellation);
    }

    private int RemoveFiles(
        string path, DateTimeOffset before, Func<string, bool> isOurs, Func<string, bool> remove,
        CancellationToken cancellation)
    {
        var removed = 0;
        var folder = new DirectoryInfo(path);
        try
        {
            if (!folder.Exists) return removed;
            if (folder.LinkTarget is not null)
            {
                log.LogWarning("{Folder} is a link and is not followed, so nothing in it is deleted", path);
                return removed;
            }

            foreach (var file in folder.EnumerateFiles().Where(file => isOurs(file.Name) && file.LinkTarget is null))
            {
                cancellation.ThrowIfCancellationRequested();
                removed += TryRemove(file, before, remove);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The folder was deleted during the listing, or may not be read.
            LogFailure(failure, path);
        }

        return removed;
    }

    private int TryRemove(FileInfo file, DateTimeOffset before, Func<string, bool> remove)
    {
        try
        {
            return file.LastWriteTimeUtc < before.UtcDateTime && remove(file.FullName) ? 1 : 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogFailure(failure, file.FullName);
            return 0;
        }
    }

    private static bool RemoveFile(string path)
    {
        File.Delete(path);
        return true;
    }

    private async Task<int> TryAsync(string what, Func<Task<int>> remove)
    {
        try
        {
            return await remove();
        }
        catch (Exception failure) when (failure is SqliteException || SqliteDatabase.IsUnavailable(failure))
        {
            LogFailure(failure, what);
            return 0;
        }
    }

    private void LogFailure(Exception failure, string what) =>
        log.LogWarning(failure, "Old data could not be deleted: {What}", what);
}

/// <summary>The numbers of things that a run of <see cref="EmbeddedRetention"/> deleted.</summary>
/// <param name="Objects">Objects of the store.</param>
/// <param name="Messages">Messages of the queues and their dead-letter queues.</param>
/// <param name="Instances">Instances of the fleet's table.</param>
/// <param name="Files">Lock files, logs and temporary files.</param>
public sealed record RetentionSummary(int Objects, int Messages, int Instances, int Files);
