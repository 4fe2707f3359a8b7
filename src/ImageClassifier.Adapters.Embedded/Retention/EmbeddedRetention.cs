using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Embedded.Retention;

/// <summary>Removes what is old from a data folder: objects, messages, instances that ended, lock files that no one
/// holds, logs, and what killed processes left half written.</summary>
/// <remarks>
/// Each object goes by its own age. A batch's pictures are older than its manifest, and that is older than its results,
/// by minutes; so a batch goes in that order within the time that its upload and its work took, and nothing needs to
/// hold it together: without its manifest a batch is not found, and a picture that is gone is answered as gone.
/// It removes only what has a name that the program makes, and follows no link: whatever else is there is someone's
/// own.
/// </remarks>
/// <param name="layout">The data folder.</param>
/// <param name="settings">How old is old.</param>
/// <param name="log">Hears what could not be removed.</param>
/// <param name="time">Says what is now. It is compared with times of the file system and of the databases.</param>
public sealed class EmbeddedRetention(
    EmbeddedLayout layout, RetentionSettings settings, ILogger<EmbeddedRetention> log, TimeProvider? time = null)
{
    // The table names the instances whose files are ours, so it forgets them after their files.
    private static readonly TimeSpan RowsOutliveFilesFor = TimeSpan.FromHours(1);

    // A put that goes on writes within this time.
    private static readonly TimeSpan TemporaryAge = TimeSpan.FromHours(1);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Removes what is old now. What cannot be removed stays for the next time, and is logged; it keeps
    /// nothing else from being removed.</summary>
    /// <returns>How much was removed.</returns>
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
                + RemoveFiles(layout.Temporary, now - TemporaryAge, OurNames.IsTemporary, RemoveFile, cancellation),
            Instances: await TryAsync(
                "instances", () => RemoveInstancesAsync(before - RowsOutliveFilesFor, cancellation)));

        bool IsLock(string name) => IsInstance(OurNames.InstanceOfLock(name));
        bool IsLog(string name) => IsInstance(OurNames.InstanceOfLog(name));
        bool IsInstance(string? name) => name is not null && (OurNames.IsOfFleet(name) || named.Contains(name));
    }

    /// <summary>The instances that the table knows: one that was started by hand can have any name.</summary>
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
            if (found.LastModified >= before || !OwnKeys.Contain(found.Key)) continue;
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
                log.LogWarning("{Folder} is a link, which is not followed: what is old there stays", path);
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
            // The folder went, or may not be read, while it was listed.
            Complain(failure, path);
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
            Complain(failure, file.FullName);
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
            Complain(failure, what);
            return 0;
        }
    }

    private void Complain(Exception failure, string what) =>
        log.LogWarning(failure, "What is old cannot be removed: {What}", what);
}

/// <summary>What one run of <see cref="EmbeddedRetention"/> removed.</summary>
/// <param name="Objects">Objects of the store.</param>
/// <param name="Messages">Messages of the queues and their dead letters.</param>
/// <param name="Instances">Instances of the fleet's table.</param>
/// <param name="Files">Lock files, logs and what was half written.</param>
public sealed record RetentionSummary(int Objects, int Messages, int Instances, int Files);
