using ImageClassifier.Core.Messages;
using ImageClassifier.Host.CommandLine.Classify;
using Microsoft.Extensions.FileSystemGlobbing;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Finds the files of the arguments, one at a time.</summary>
/// <param name="isRecursive">Whether folders below the folders are searched too.</param>
/// <param name="input">Standard input.</param>
/// <param name="cancellation">Ends the search.</param>
internal sealed class FileListing(bool isRecursive, TextReader input, CancellationToken cancellation)
{
    private static readonly EnumerationOptions Entries = new()
    {
        // A folder that cannot be read must be reported.
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
    };

    /// <summary>The folders in named folders that were not searched, so far.</summary>
    public int FoldersLeftOut { get; private set; }

    /// <summary>The files of the arguments. A folder that cannot be read, and a pattern that matches nothing, is listed
    /// with its error. An existing path is never a pattern.</summary>
    public IEnumerable<ListedFile> In(IEnumerable<string> paths) => paths.SelectMany(path =>
        path == SendOptions.StandardInput ? Lines().SelectMany(InPath)
        : IsPattern(path) ? InPattern(path)
        : InPath(path));

    private IEnumerable<string> Lines()
    {
        // A read of a terminal or a pipe cannot be cancelled, so another thread waits for it.
        while (Task.Run(input.ReadLine).WaitAsync(cancellation).GetAwaiter().GetResult() is { } line)
        {
            if (line.Length > 0) yield return line;
        }
    }

    private IEnumerable<ListedFile> InPath(string path) => Directory.Exists(path)
        ? InFolder(path, isRecursive, isNamed: true)
        : [new ListedFile(FullPath(path), path, InFolder: false)];

    private static bool IsPattern(string path) => path.Contains('*') && !Path.Exists(path);

    /// <summary>The files that match a pattern with <c>*</c> and <c>**</c>.</summary>
    private IEnumerable<ListedFile> InPattern(string pattern)
    {
        var parts = pattern.Split('/', Path.DirectorySeparatorChar);
        var fixedParts = parts.TakeWhile(part => !part.Contains('*')).ToArray();
        var folder = fixedParts.Length == 0 ? "." : string.Join('/', fixedParts);
        if (folder.Length == 0) folder = "/";
        var matcher = new Matcher(StringComparison.Ordinal).AddInclude(string.Join('/', parts[fixedParts.Length..]));
        var isDeep = parts.Length - fixedParts.Length > 1;
        var any = false;
        foreach (var file in Directory.Exists(folder) ? InFolder(folder, isDeep, isNamed: false) : [])
        {
            if (!matcher.Match(Path.GetRelativePath(folder, file.Shown).Replace('\\', '/')).HasMatches) continue;
            any = true;
            yield return fixedParts.Length == 0 ? file with { Shown = Path.GetRelativePath(".", file.Shown) } : file;
        }

        if (!any) yield return Wrong(pattern, JobErrorCodes.Missing, "No file matches this pattern.");
    }

    private IEnumerable<ListedFile> InFolder(string folder, bool isDeep, bool isNamed)
    {
        var folders = new Stack<string>([folder]);
        while (folders.TryPop(out var next))
        {
            using var entries = EntriesOf(next).GetEnumerator();
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                string? failure = null;
                try
                {
                    if (!entries.MoveNext()) break;
                }
                catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
                {
                    failure = wrong.Message;
                }

                if (failure is not null)
                {
                    yield return Wrong(next, FileOutcome.Unreadable, $"The folder cannot be read: {failure}");
                    break;
                }

                var shown = Path.Combine(next, entries.Current.Name);
                if (entries.Current is FileInfo) yield return new ListedFile(FullPath(shown), shown, InFolder: true);
                // A link to a folder can lead back to one above it.
                else if (entries.Current.LinkTarget is not null) continue;
                else if (isDeep) folders.Push(shown);
                else if (isNamed) FoldersLeftOut++;
            }
        }
    }

    // An iterator, so that the folder is opened by the first MoveNext.
    private static IEnumerable<FileSystemInfo> EntriesOf(string folder)
    {
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", Entries)) yield return entry;
    }

    private static ListedFile Wrong(string path, string code, string message) =>
        new(FullPath(path), path, InFolder: false) { Error = new JobError(code, message) };

    private static string FullPath(string path) => Path.GetFullPath(path);
}
