using ImageClassifier.Core;

namespace ImageClassifier.Host.CommandLine.Train;

/// <summary>A folder that appears under its name only when it is complete. Until then it has another name beside it, and
/// is deleted if it is not completed.</summary>
internal sealed class NewFolder : IDisposable
{
    private readonly string _target;
    private bool _isComplete;

    private NewFolder(string target, string temporary)
    {
        _target = target;
        Path = temporary;
    }

    /// <summary>The folder to write to.</summary>
    public string Path { get; private set; }

    /// <summary>Creates the folder under its temporary name.</summary>
    /// <param name="option">The option that gives the folder.</param>
    /// <param name="folder">The final path.</param>
    /// <exception cref="InvalidSettingException">Something is there already, or the folder cannot be
    /// created.</exception>
    public static NewFolder Create(string option, string folder)
    {
        if (folder.Length == 0) throw new InvalidSettingException(option, folder, "it must not be empty");
        var target = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
        try
        {
            var isFree = !File.Exists(target)
                && (!Directory.Exists(target) || !Directory.EnumerateFileSystemEntries(target).Any());
            if (!isFree || System.IO.Path.GetFileName(target).Length == 0)
            {
                throw new InvalidSettingException(
                    option, folder, "it exists already, and is not an empty folder; give another name, or move it away");
            }

            var temporary = $"{target}.partial-{Guid.NewGuid():N}";
            Directory.CreateDirectory(temporary);
            return new NewFolder(target, temporary);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidSettingException(option, folder, $"it cannot be created ({failure.Message})", failure);
        }
    }

    /// <summary>Gives the folder its final name.</summary>
    /// <exception cref="IOException">Something else has the name by now.</exception>
    public void Complete()
    {
        if (Directory.Exists(_target)) Directory.Delete(_target);
        Directory.Move(Path, _target);
        (Path, _isComplete) = (_target, true);
    }

    /// <summary>Deletes the folder if it is not complete.</summary>
    public void Dispose()
    {
        if (!_isComplete && Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
