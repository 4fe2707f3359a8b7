using System.IO.Enumeration;
using System.Text;
using ImageClassifier.Core;

namespace ImageClassifier.Training.Pictures;

/// <summary>A folder with a folder of pictures for each class. The name of a class is that of its folder.</summary>
/// <param name="Path">The full path of the folder.</param>
/// <param name="Classes">The names of the classes, in ordinal order.</param>
/// <param name="Files">The files of all classes, class by class, in ordinal order.</param>
/// <param name="Stray">The files that are in no class's folder.</param>
public sealed record TrainingFolder(
    string Path, IReadOnlyList<string> Classes, IReadOnlyList<ClassFile> Files, IReadOnlyList<LeftOutFile> Stray)
{
    /// <summary>The fewest pictures of a class: one to train with, and one to measure with.</summary>
    public const int FewestPictures = 2;

    private const string Argument = "FOLDER";

    private const string LinkReason =
        "It is a link to a folder, and links to folders are not followed. Put the folder itself there.";

    // A message names so many classes.
    private const int MostShown = 5;

    /// <summary>Lists a folder. Files in folders within a class's folder belong to the class. Hidden files and folders
    /// do not count. Links to folders are not followed, because they can lead back.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="cancellation">Ends the work: the folder can be large and slow.</param>
    /// <exception cref="InvalidSettingException">The folder does not exist, cannot be read, has the name of a class that
    /// cannot be a label, or has fewer than two classes or a class with fewer than two files.</exception>
    public static TrainingFolder Read(string path, CancellationToken cancellation)
    {
        if (path.Length == 0)
            throw new InvalidSettingException(Argument, null, "give a folder with a folder of pictures for each class");
        var root = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(root)) throw new InvalidSettingException(Argument, path, "there is no such folder");
        try
        {
            string[] folders =
                [.. Directory.EnumerateDirectories(root).Where(IsShown).Order(StringComparer.Ordinal)];
            string[] classes = [.. folders.Select(folder => System.IO.Path.GetFileName(folder))];
            CheckNames(path, folders);

            var files = new List<ClassFile>();
            var stray = new List<LeftOutFile>(Directory.EnumerateFiles(root).Where(IsShown).Order(StringComparer.Ordinal)
                .Select(file => new LeftOutFile(
                    System.IO.Path.GetFileName(file), "It is in no class's folder. Move it into one.", true)));
            for (var label = 0; label < folders.Length; label++)
            {
                foreach (var (file, isLinkToFolder) in FilesIn(folders[label], cancellation))
                {
                    var name = System.IO.Path.GetRelativePath(root, file);
                    if (isLinkToFolder) stray.Add(new LeftOutFile(name, LinkReason, IsFault: true));
                    else files.Add(new ClassFile(file, name, label));
                }
            }

            var folderOfClasses = new TrainingFolder(root, classes, files, stray);
            folderOfClasses.Check([.. folderOfClasses.Files.Select(file => file.Class)]);
            return folderOfClasses;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException(Argument, path,
                $"it or a folder in it cannot be read ({failure.Message.TrimEnd('.')}); allow this user to read it, or move it "
                + "elsewhere", failure);
        }
    }

    /// <summary>Checks that there are enough classes, and enough pictures of each.</summary>
    /// <param name="pictures">The class of each usable picture.</param>
    /// <exception cref="InvalidSettingException">There are too few.</exception>
    internal void Check(IReadOnlyCollection<int> pictures)
    {
        if (Classes.Count < 2)
        {
            throw new InvalidSettingException(Argument, Path,
                $"it has {(Classes.Count == 0 ? "no folder" : "one folder")}, but needs a folder of pictures for each of "
                + "at least two classes");
        }

        var counts = pictures.CountBy(label => label).ToDictionary();
        string[] poor =
        [
            .. Classes.Index().Where(entry => counts.GetValueOrDefault(entry.Index) < FewestPictures).Select(entry =>
                $"the class {entry.Item} has {(counts.ContainsKey(entry.Index) ? "one usable picture" : "no usable picture")}"),
        ];
        if (poor.Length == 0) return;
        throw new InvalidSettingException(Argument, Path,
            $"{Some(poor)}, but a class needs at least {FewestPictures}: one to train with and one to measure with; add "
            + "pictures or remove the folder of the class");
    }

    /// <summary>Checks that each class's folder is a folder with a name that can be a label. All faults are named at
    /// once.</summary>
    private static void CheckNames(string path, string[] folders)
    {
        string[] faults = [.. folders.Select(Fault).OfType<string>()];
        if (faults.Length > 0) throw new InvalidSettingException(Argument, path, Some(faults));

        static string? Fault(string folder)
        {
            var name = System.IO.Path.GetFileName(folder);
            if (HasInvisible(name))
            {
                return $"the name of the folder \"{UntrustedText.ForDisplay(name)}\" is blank or has an invisible character; "
                    + "rename it, because it becomes a label";
            }

            return new DirectoryInfo(folder).LinkTarget is { } target
                ? $"the folder {name} is a link to {target}, and links to folders are not followed; put the folder itself "
                    + "there, or remove the link"
                : null;
        }
    }

    private static string Some(string[] faults) => string.Join("; ", faults.Take(MostShown))
        + (faults.Length > MostShown ? $"; and {faults.Length - MostShown} more folders like these" : "");

    private static IEnumerable<(string Path, bool IsLinkToFolder)> FilesIn(string folder, CancellationToken cancellation)
    {
        var files = new FileSystemEnumerable<(string Path, bool IsLinkToFolder)>(
            folder,
            (ref FileSystemEntry entry) => (entry.ToFullPath(), entry.IsDirectory),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) =>
            {
                cancellation.ThrowIfCancellationRequested();
                return (!entry.IsDirectory || IsLink(ref entry)) && entry.FileName[0] != '.';
            },
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsLink(ref entry) && entry.FileName[0] != '.',
        };
        return files.OrderBy(file => file.Path, StringComparer.Ordinal);
    }

    private static bool IsLink(ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) != 0;

    private static bool IsShown(string path) => System.IO.Path.GetFileName(path)[0] != '.';

    private static bool HasInvisible(string name) =>
        string.IsNullOrWhiteSpace(name) || name.EnumerateRunes().Any(rune =>
            UntrustedText.IsInvisible(rune) || rune == Rune.ReplacementChar);
}

/// <summary>A file in a class's folder.</summary>
/// <param name="Path">The full path.</param>
/// <param name="Name">The path within the training folder.</param>
/// <param name="Class">The index of the class.</param>
public sealed record ClassFile(string Path, string Name, int Class);

/// <summary>A file that training left out.</summary>
/// <param name="File">The path within the training folder.</param>
/// <param name="Reason">The reason, and what to do, as sentences.</param>
/// <param name="IsFault">True if it could not be used; false for a copy, which would teach nothing new.</param>
public sealed record LeftOutFile(string File, string Reason, bool IsFault);
