using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Startup;

/// <summary>The state of a data folder before it was opened.</summary>
public enum FolderOrigin
{
    /// <summary>The folder was missing or empty.</summary>
    New,

    /// <summary>The folder has the program's marker.</summary>
    Known,

    /// <summary>The folder is of an old version that wrote no marker. It has one from now on.</summary>
    Adopted,
}

/// <summary>
/// Opens the data folder. Only a folder with the program's marker is used. A folder with other files and no marker is
/// refused, because the program deletes old files in its data folder.
/// </summary>
public static class DataFolder
{
    // The permissions of the top folders already protect everything below. So the work below them has a time limit.
    private static readonly TimeSpan RestrictLimit = TimeSpan.FromSeconds(5);

    // File systems keep this folder in the root of a mounted disk.
    private const string LostAndFound = "lost+found";

    /// <summary>Marks a new data folder, creates missing folders, removes the access of other users, and checks that
    /// files can be written.</summary>
    /// <returns>The state of the folder before.</returns>
    /// <exception cref="InvalidSettingException">The folder belongs to something else or to a newer version, or cannot
    /// be created or written.</exception>
    public static FolderOrigin Create(this EmbeddedLayout layout)
    {
        try
        {
            PrivateFiles.CreateFolder(layout.DataFolder);
            var origin = Claim(layout);
            PrivateFiles.RestrictAccess(new DirectoryInfo(layout.DataFolder).ResolvedOrSelf());
            foreach (var folder in layout.Folders)
            {
                if (new DirectoryInfo(folder).LinkTarget is not null) throw Refusal(layout, LinkReason(folder));
                PrivateFiles.CreateFolder(folder);
            }

            RestrictAccess(layout, all: origin == FolderOrigin.Adopted);
            CheckWritable(layout);
            return origin;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refusal(layout, $"the folder cannot be created or written ({failure.Message.TrimEnd('.')}); "
                + "make it writable for this user, or name another folder with --data", failure);
        }
    }

    private static FolderOrigin Claim(EmbeddedLayout layout)
    {
        // Another process may mark the folder after the marker was read.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var marker = FolderMarker.Read(layout.DataFolder);
            if (marker == MarkerState.Ours) return FolderOrigin.Known;
            if (marker == MarkerState.Newer)
            {
                throw Refusal(layout,
                    "the folder belongs to a newer version of this program. Use that version, or name another folder");
            }

            if (IsEmpty(layout)) return MarkAs(FolderOrigin.New, layout, marker);
            if (IsFromBeforeMarkers(layout)) return MarkAs(FolderOrigin.Adopted, layout, marker);
        }

        throw Refusal(layout,
            $"the folder has files, but is not a data folder of this program (it has no {FolderMarker.Name}). "
            + "The program deletes old files in its data folder, so name an empty folder or one of its data folders");
    }

    private static FolderOrigin MarkAs(FolderOrigin origin, EmbeddedLayout layout, MarkerState marker)
    {
        if (marker == MarkerState.Unreadable) FolderMarker.Remove(layout.DataFolder);
        FolderMarker.Write(layout.DataFolder);
        return origin;
    }

    private static bool IsEmpty(EmbeddedLayout layout) =>
        new DirectoryInfo(layout.DataFolder).EnumerateFileSystemInfos()
            .All(entry => FolderMarker.IsNameOf(entry.Name) || entry.Name == LostAndFound);

    /// <summary>Folder names prove nothing. A database with the program's tables does.</summary>
    private static bool IsFromBeforeMarkers(EmbeddedLayout layout) =>
        SqliteDatabase.IsOurs(layout.RequestQueue, QueueSchema.Schema)
        || SqliteDatabase.IsOurs(layout.FleetTable, FleetSession.Schema);

    private static void RestrictAccess(EmbeddedLayout layout, bool all)
    {
        if (OperatingSystem.IsWindows()) return;
        var bells = new[] { layout.DataFolder, layout.Queues }.Select(Bell.FolderIn).ToArray();
        foreach (var folder in layout.Folders.Concat(bells)) PrivateFiles.RestrictAccess(new DirectoryInfo(folder));
        foreach (var folder in new[] { layout.DataFolder, layout.Queues, layout.Instances, layout.Logs }.Concat(bells))
            RestrictAccessToFiles(new DirectoryInfo(folder));
        if (all) RestrictAccessToObjects(layout);
    }

    private static void RestrictAccessToFiles(DirectoryInfo folder)
    {
        if (!folder.Exists) return;
        foreach (var file in folder.EnumerateFiles())
        {
            var instance = OwnFileNames.InstanceOfLock(file.Name) ?? OwnFileNames.InstanceOfLog(file.Name);
            if (OwnFileNames.IsShared(file.Name) || (instance is not null && OwnFileNames.IsOfFleet(instance)))
                PrivateFiles.RestrictAccess(file);
        }
    }

    private static void RestrictAccessToObjects(EmbeddedLayout layout)
    {
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        var everything = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
            IgnoreInaccessible = true,
        };
        foreach (var entry in new DirectoryInfo(layout.Objects).EnumerateFileSystemInfos("*", everything))
        {
            if (time.GetElapsedTime(started) > RestrictLimit) return;
            PrivateFiles.RestrictAccess(entry);
        }
    }

    private static void CheckWritable(EmbeddedLayout layout)
    {
        var trial = layout.NewTemporaryFile();
        File.WriteAllBytes(trial, []);
        File.Delete(trial);
    }

    /// <summary>The target of a link, because the data folder itself may be a link to another disk.</summary>
    private static DirectoryInfo ResolvedOrSelf(this DirectoryInfo folder) =>
        folder.ResolveLinkTarget(returnFinalTarget: true) as DirectoryInfo ?? folder;

    private static string LinkReason(string folder) =>
        $"{Path.GetFileName(folder)} in it is a link, and the program does not follow links below its data folder. "
        + "Put a folder there; the data folder as a whole may be a link";

    private static InvalidSettingException Refusal(EmbeddedLayout layout, string reason, Exception? cause = null) =>
        new(EmbeddedLayout.DataFolderKey, layout.DataFolder, reason, cause);
}
