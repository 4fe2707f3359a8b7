using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded;

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
internal static class DataFolder
{
    // The permissions of the top folders already protect everything below. So the work below them has a time limit.
    private static readonly TimeSpan MendingLimit = TimeSpan.FromSeconds(5);

    // File systems keep this folder in the root of a mounted disk.
    private const string FileSystemsOwn = "lost+found";

    /// <summary>Marks a new folder, creates missing folders, and removes the access of other users.</summary>
    /// <exception cref="InvalidSettingException">The folder belongs to something else or to a newer version, or cannot
    /// be created or written.</exception>
    public static FolderOrigin Open(EmbeddedLayout layout)
    {
        try
        {
            PrivateFiles.CreateFolder(layout.DataFolder);
            var origin = Claim(layout);
            PrivateFiles.Mend(new DirectoryInfo(layout.DataFolder).ResolvedOrSelf());
            foreach (var folder in layout.Folders)
            {
                if (new DirectoryInfo(folder).LinkTarget is not null) throw Refusal(layout, LinkReason(folder));
                PrivateFiles.CreateFolder(folder);
            }

            Mend(layout, all: origin == FolderOrigin.Adopted);
            TryWriting(layout);
            return origin;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refusal(layout, $"the folder cannot be created or written ({failure.Message})", failure);
        }
    }

    private static FolderOrigin Claim(EmbeddedLayout layout)
    {
        // Another process may mark the folder after the marker was read.
        for (var look = 0; look < 2; look++)
        {
            var marker = FolderMarker.Read(layout.DataFolder);
            if (marker == MarkerState.Ours) return FolderOrigin.Known;
            if (marker == MarkerState.Newer)
            {
                throw Refusal(layout,
                    "the folder is of a newer version of this program. Use that version, or name another folder");
            }

            if (IsEmpty(layout)) return MarkAs(FolderOrigin.New, layout, marker);
            if (IsOfAVersionWithoutMarker(layout)) return MarkAs(FolderOrigin.Adopted, layout, marker);
        }

        throw Refusal(layout,
            $"the folder has files in it and is no data folder of this program (it has no {FolderMarker.Name}). "
            + "What is old in a data folder is deleted, so it must be an empty folder, or one that this program made");
    }

    private static FolderOrigin MarkAs(FolderOrigin origin, EmbeddedLayout layout, MarkerState marker)
    {
        if (marker == MarkerState.Unreadable) FolderMarker.Remove(layout.DataFolder);
        FolderMarker.Write(layout.DataFolder);
        return origin;
    }

    private static bool IsEmpty(EmbeddedLayout layout) =>
        new DirectoryInfo(layout.DataFolder).EnumerateFileSystemInfos()
            .All(entry => FolderMarker.IsNameOf(entry.Name) || entry.Name == FileSystemsOwn);

    /// <summary>Folder names prove nothing. A database with the program's tables does.</summary>
    private static bool IsOfAVersionWithoutMarker(EmbeddedLayout layout) =>
        SqliteDatabase.IsOurs(layout.RequestQueue, QueueSchema.Schema)
        || SqliteDatabase.IsOurs(layout.FleetTable, FleetSession.Schema);

    private static void Mend(EmbeddedLayout layout, bool all)
    {
        if (OperatingSystem.IsWindows()) return;
        var bells = new[] { layout.DataFolder, layout.Queues }.Select(Bell.FolderIn).ToArray();
        foreach (var folder in layout.Folders.Concat(bells)) PrivateFiles.Mend(new DirectoryInfo(folder));
        foreach (var folder in new[] { layout.DataFolder, layout.Queues, layout.Instances, layout.Logs }.Concat(bells))
            MendFiles(new DirectoryInfo(folder));
        if (all) MendObjects(layout);
    }

    private static void MendFiles(DirectoryInfo folder)
    {
        if (!folder.Exists) return;
        foreach (var file in folder.EnumerateFiles())
        {
            var instance = OurNames.InstanceOfLock(file.Name) ?? OurNames.InstanceOfLog(file.Name);
            if (OurNames.IsShared(file.Name) || (instance is not null && OurNames.IsOfFleet(instance)))
                PrivateFiles.Mend(file);
        }
    }

    private static void MendObjects(EmbeddedLayout layout)
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
            if (time.GetElapsedTime(started) > MendingLimit) return;
            PrivateFiles.Mend(entry);
        }
    }

    private static void TryWriting(EmbeddedLayout layout)
    {
        var trial = layout.NewTemporaryFile();
        File.WriteAllBytes(trial, []);
        File.Delete(trial);
    }

    /// <summary>The target of a link, because the data folder itself may be a link to another disk.</summary>
    private static DirectoryInfo ResolvedOrSelf(this DirectoryInfo folder) =>
        folder.ResolveLinkTarget(returnFinalTarget: true) as DirectoryInfo ?? folder;

    private static string LinkReason(string folder) =>
        $"{Path.GetFileName(folder)} in it is a link, and the program follows no links below its data folder. "
        + "Put a folder there; the data folder as a whole may be a link";

    private static InvalidSettingException Refusal(EmbeddedLayout layout, string reason, Exception? cause = null) =>
        new(EmbeddedLayout.DataKey, layout.DataFolder, reason, cause);
}
