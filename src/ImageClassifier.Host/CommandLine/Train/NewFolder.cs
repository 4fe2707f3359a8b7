using System.Text.RegularExpressions;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core;

namespace ImageClassifier.Host.CommandLine.Train;

/// <summary>A folder that appears under its name only when it is complete. Until then it is in a work folder beside it,
/// which is deleted in the end. What a killed process left of its work folder is deleted by the next one for the same
/// target.</summary>
internal sealed partial class NewFolder : IDisposable
{
    private const string LockFile = "image-classifier-train.lock";
    private const string ContentFolder = "content";

    private readonly string _target;
    private readonly string _work;
    private readonly ExclusiveFileLock _lock;

    private NewFolder(string target, string work, ExclusiveFileLock heldLock)
    {
        (_target, _work, _lock) = (target, work, heldLock);
        Path = System.IO.Path.Combine(work, ContentFolder);
        Directory.CreateDirectory(Path);
    }

    /// <summary>The folder to write to.</summary>
    public string Path { get; private set; }

    /// <summary>Creates the folder under its temporary name, and deletes what ended processes left for the same
    /// target.</summary>
    /// <param name="option">The option that gives the folder.</param>
    /// <param name="folder">The final path.</param>
    /// <exception cref="InvalidSettingException">Something is there already, or the folder cannot be
    /// created.</exception>
    public static NewFolder Create(string option, string folder)
    {
        try
        {
            var target = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
            var isFree = !File.Exists(target)
                && (!Directory.Exists(target) || !Directory.EnumerateFileSystemEntries(target).Any());
            if (!isFree || System.IO.Path.GetFileName(target).Length == 0)
            {
                throw new InvalidSettingException(
                    option, folder, "it exists already, and is not an empty folder; give another name, or move it away");
            }

            DeleteLeftovers(target);
            var work = $"{target}.partial-{Guid.NewGuid():N}";
            Directory.CreateDirectory(work);
            return new NewFolder(target, work, ExclusiveFileLock.TryTake(System.IO.Path.Combine(work, LockFile))
                ?? throw new IOException($"{work} cannot be locked."));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidSettingException(
                option, folder,
                $"it cannot be created ({failure.Message.TrimEnd('.')}); give a folder in which this user may write",
                failure);
        }
    }

    /// <summary>Gives the folder its final name.</summary>
    /// <exception cref="IOException">Something else has the name by now.</exception>
    public void Complete()
    {
        if (Directory.Exists(_target)) Directory.Delete(_target);
        Directory.Move(Path, _target);
        Path = _target;
    }

    /// <summary>Deletes all but a completed folder.</summary>
    public void Dispose() => Delete(_work, _lock);

    private static void DeleteLeftovers(string target)
    {
        var name = System.IO.Path.GetFileName(target);
        var parent = new DirectoryInfo(System.IO.Path.GetDirectoryName(target)!);
        if (!parent.Exists) return;
        var leftovers = parent.EnumerateDirectories($"{name}.partial-*")
            .Where(folder => folder.LinkTarget is null && folder.Name.StartsWith(name, StringComparison.Ordinal)
                && Ending().IsMatch(folder.Name[name.Length..]));
        foreach (var work in leftovers)
        {
            var lockFile = System.IO.Path.Combine(work.FullName, LockFile);
            // The file proves that this program made the folder. A living process holds it.
            if (File.Exists(lockFile) && ExclusiveFileLock.TryTake(lockFile) is { } taken) Delete(work.FullName, taken);
        }
    }

    // The lock file goes last. Otherwise a process that is killed meanwhile would leave a folder without it.
    private static void Delete(string work, ExclusiveFileLock heldLock)
    {
        using (heldLock)
        {
            var content = System.IO.Path.Combine(work, ContentFolder);
            if (Directory.Exists(content)) Directory.Delete(content, recursive: true);
            // Windows does not delete an open file.
            if (OperatingSystem.IsWindows()) heldLock.Dispose();
            if (Directory.Exists(work)) Directory.Delete(work, recursive: true);
        }
    }

    [GeneratedRegex(@"\A\.partial-[0-9a-f]{32}\z")]
    private static partial Regex Ending();
}
