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

    /// <summary>Lists a folder. Files in folders within a class's folder belong to the class. Hidden files and folders
    /// do not count.</summary>
    /// <exception cref="InvalidSettingException">The folder does not exist, cannot be read, or has fewer than two
    /// classes or a class with fewer than two files.</exception>
    public static TrainingFolder Read(string path)
    {
        var root = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(root)) throw new InvalidSettingException(Argument, path, "there is no such folder");
        try
        {
            string[] folders =
                [.. Directory.EnumerateDirectories(root).Where(IsShown).Order(StringComparer.Ordinal)];
            string[] classes = [.. folders.Select(folder => System.IO.Path.GetFileName(folder))];
            if (classes.FirstOrDefault(HasInvisible) is { } unprintable)
            {
                throw new InvalidSettingException(Argument, path,
                    $"the name of the folder \"{UntrustedText.ForDisplay(unprintable)}\" is blank or has an invisible "
                    + "character; rename it, because it becomes a label");
            }

            var files = folders.SelectMany((folder, index) => FilesIn(folder).Select(
                file => new ClassFile(file, System.IO.Path.GetRelativePath(root, file), index)));
            LeftOutFile[] stray =
            [
                .. Directory.EnumerateFiles(root).Where(IsShown).Order(StringComparer.Ordinal).Select(file =>
                    new LeftOutFile(
                        System.IO.Path.GetFileName(file), "It is in no class's folder. Move it into one.", true)),
            ];
            var folderOfClasses = new TrainingFolder(root, classes, [.. files], stray);
            folderOfClasses.Check([.. folderOfClasses.Files.Select(file => file.Class)]);
            return folderOfClasses;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException(Argument, path, $"it cannot be read ({failure.Message})", failure);
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
        for (var label = 0; label < Classes.Count; label++)
        {
            var count = counts.GetValueOrDefault(label);
            if (count >= FewestPictures) continue;
            throw new InvalidSettingException(Argument, Path,
                $"the class {Classes[label]} has {(count == 0 ? "no usable picture" : "one usable picture")}, but needs at "
                + $"least {FewestPictures}: one to train with and one to measure with; add pictures or remove its folder");
        }
    }

    private static IEnumerable<string> FilesIn(string folder) => new FileSystemEnumerable<string>(
        folder,
        (ref FileSystemEntry entry) => entry.ToFullPath(),
        new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false })
    {
        ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && entry.FileName[0] != '.',
        // A link to a folder can lead back to where it is.
        ShouldRecursePredicate = (ref FileSystemEntry entry) =>
            (entry.Attributes & FileAttributes.ReparsePoint) == 0 && entry.FileName[0] != '.',
    }.Order(StringComparer.Ordinal);

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
