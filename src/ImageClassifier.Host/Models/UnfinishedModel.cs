using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Models;

/// <summary>A model that is being added or removed, in a folder beside the models. Downloads stay there, so that a later
/// run resumes them. At most one process works on a name.</summary>
internal sealed class UnfinishedModel : IDisposable
{
    private readonly string _folder;
    private readonly string _destination;
    private readonly string _lockPath;
    private readonly ExclusiveFileLock _lock;

    private UnfinishedModel(string folder, string destination, string lockPath, ExclusiveFileLock heldLock)
    {
        (_folder, _destination, _lockPath, _lock) = (folder, destination, lockPath, heldLock);
        Network = new PartialFile(Path.Combine(folder, "network.part"));
        Labels = new PartialFile(Path.Combine(folder, "labels.part"));
    }

    /// <summary>The download of the network.</summary>
    public PartialFile Network { get; }

    /// <summary>The download of the labels.</summary>
    public PartialFile Labels { get; }

    /// <summary>The folder in which the model is put together.</summary>
    public string Staged => Path.Combine(_folder, "model");

    /// <summary>True if an earlier run left a download.</summary>
    public bool HasDownload => Directory.Exists(_folder);

    /// <summary>Takes the lock of a name.</summary>
    /// <exception cref="ModelFailureException">Another process holds it.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static UnfinishedModel Begin(string parent, string name, string destination)
    {
        Directory.CreateDirectory(parent);
        var lockPath = Path.Combine(parent, $"{name}.lock");
        if (ExclusiveFileLock.TryTake(lockPath) is { } taken)
            return new UnfinishedModel(Path.Combine(parent, name), destination, lockPath, taken);
        // In a folder that cannot be written, nobody holds the lock.
        CheckWritable(parent);
        throw new ModelFailureException(
            $"Another process is adding or removing the model {name}. Wait for it, and run the command again.");
    }

    /// <summary>Creates an empty <see cref="Staged"/>. What a killed process left there goes.</summary>
    public void Stage()
    {
        if (Directory.Exists(Staged)) Directory.Delete(Staged, recursive: true);
        Directory.CreateDirectory(Staged);
    }

    /// <summary>Creates the folder of downloads. A file of another hash is of another network, and goes.</summary>
    /// <param name="sha256">The SHA-256 that the network must have.</param>
    public void ExpectNetwork(string sha256)
    {
        var expected = Path.Combine(_folder, "network.sha256");
        Directory.CreateDirectory(_folder);
        if (File.Exists(expected) && File.ReadAllText(expected) != sha256) Network.Delete();
        File.WriteAllText(expected, sha256);
        Labels.Delete();
    }

    /// <summary>Gives the model its name: from now on it can be used.</summary>
    public void Finish(ModelMarker marker)
    {
        Write(ModelMarker.FileName, WireJson.WriteUtf8(marker));
        Directory.Move(Staged, _destination);
        Discard();
    }

    /// <summary>Writes a file of the staged model, down to the disk: the rename must not come before its
    /// content.</summary>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        using var file = new FileStream(Path.Combine(Staged, name), FileMode.CreateNew, FileAccess.Write, FileShare.None);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Copies a file to the staged model, down to the disk.</summary>
    public async Task CopyAsync(string source, string name, CancellationToken cancellation)
    {
        var path = Path.Combine(Staged, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var from = File.OpenRead(source);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        await from.CopyToAsync(file, cancellation);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Takes the model out of its place, and deletes it. A process that is killed meanwhile leaves no half
    /// model.</summary>
    public void TakeOut()
    {
        Discard();
        Directory.CreateDirectory(_folder);
        Directory.Move(_destination, Staged);
        Discard();
    }

    /// <summary>Deletes downloads and staged files.</summary>
    public void Discard()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Lets other processes begin.</summary>
    public void Dispose()
    {
        _lock.Dispose();
        ExclusiveFileLock.TryRemove(_lockPath);
    }

    private static void CheckWritable(string folder)
    {
        var trial = Path.Combine(folder, $"{Guid.NewGuid():N}.tmp");
        new FileStream(trial, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
    }
}
