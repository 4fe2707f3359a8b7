using System.Text.RegularExpressions;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Host.Models;

/// <summary>
/// Models of the registry on this machine's disk. All nodes of the machine share it. An entry appears whole, by a
/// rename. A lock beside it shows that a process uses or fills it; the system frees the lock of a killed process. The
/// few latest entries stay, and others go when nobody uses them. Safe to use from several threads.
/// </summary>
internal sealed partial class ModelCache : IDisposable
{
    // As many as a node has loaded, and as many again that a rollback may need.
    private const int MostKept = 4;

    /// <summary>The variable in which systemd names the cache folder of a service, or several with colons between
    /// them.</summary>
    public const string ServiceVariable = "CACHE_DIRECTORY";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly Lazy<string> _folder;
    private readonly bool _isTemporary;

    private ModelCache(Lazy<string> folder, bool isTemporary) => (_folder, _isTemporary) = (folder, isTemporary);

    /// <summary>A cache in a folder, which is created when needed.</summary>
    public ModelCache(string folder)
        : this(new Lazy<string>(folder), isTemporary: false)
    {
    }

    /// <summary>The cache of this process's nodes.</summary>
    /// <param name="layout">The data folder that the nodes of this machine share. Null on a machine without one: then it
    /// is the cache folder of the service, or else a temporary folder of this process.</param>
    /// <param name="service">The value of <see cref="ServiceVariable"/>; null if it is not set.</param>
    public static ModelCache Of(EmbeddedLayout? layout, string? service)
    {
        // No name of a model begins with a dot.
        if (layout is not null) return new ModelCache(Path.Combine(layout.Models, ".registry"));
        return service is { Length: > 0 }
            ? new ModelCache(Path.Combine(service.Split(':')[0], "models"))
            // The system gives such a folder to this user only, and a name that nobody else can take first.
            : new ModelCache(
                new Lazy<string>(() => Directory.CreateTempSubdirectory("image-classifier-models-").FullName),
                isTemporary: true);
    }

    /// <summary>Opens an entry. A missing entry is filled first. The caller disposes of it.</summary>
    /// <param name="name">The name of the entry: 64 hexadecimal digits.</param>
    /// <param name="fill">Writes the files into an empty folder. If it throws, nothing is left.</param>
    /// <exception cref="ModelNotLoadedException">The disk is full, or the folder cannot be written.</exception>
    /// <exception cref="IOException">Another process is deleting this entry. A later call succeeds.</exception>
    public async Task<CachedModel> OpenAsync(string name, Func<string, Task> fill)
    {
        OnDisk(CreateFolder);
        var held = Hold(name);
        try
        {
            var entry = PathOf(name);
            var isNew = !Directory.Exists(entry);
            if (isNew)
            {
                await FillAsync(entry, fill);
                RemoveOld();
            }

            OnDisk(() => Directory.SetLastWriteTimeUtc(entry, TimeProvider.System.GetUtcNow().UtcDateTime));
            return new CachedModel(entry, isNew, held, () => OnDisk(() => RemoveUnused(name, [entry])));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Runs an operation on files of the cache.</summary>
    /// <exception cref="ModelNotLoadedException">It failed.</exception>
    public static void OnDisk(Action operation)
    {
        try
        {
            operation();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(failure);
        }
    }

    /// <inheritdoc cref="OnDisk(Action)" />
    public static async Task OnDiskAsync(Func<ValueTask> operation)
    {
        try
        {
            await operation();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(failure);
        }
    }

    /// <summary>Deletes the folder if it is temporary.</summary>
    public void Dispose()
    {
        if (!_isTemporary || !_folder.IsValueCreated) return;
        try
        {
            Directory.Delete(_folder.Value, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The system deletes it with its other temporary files.
        }
    }

    private static ModelNotLoadedException NotWritten(Exception failure) => new(
        $"A model of the registry cannot be kept on this machine: {failure.Message.TrimEnd('.')}. Check the free space "
        + "and the permissions there.", failure);

    private string PathOf(string name) => Path.Combine(_folder.Value, name);

    private string LockOf(string name) => Path.Combine(_folder.Value, $"{name}.lock");

    private void CreateFolder()
    {
        var folder = new DirectoryInfo(_folder.Value);
        if (folder.LinkTarget is not null)
            throw new IOException($"{folder.FullName} is a link, which the program does not follow");
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder.FullName);
        else Directory.CreateDirectory(folder.FullName, OwnerOnly);
    }

    /// <summary>Keeps other processes from deleting an entry. Several processes can hold it. The file of the lock is
    /// never deleted: two processes could then hold two files of one name.</summary>
    private FileStream Hold(string name)
    {
        try
        {
            return new FileStream(LockOf(name), FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read, bufferSize: 0);
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or IOException && !IsInUse(failure))
        {
            throw NotWritten(failure);
        }
    }

    /// <summary>True if another process holds the file: EWOULDBLOCK, or ERROR_SHARING_VIOLATION on Windows.</summary>
    private static bool IsInUse(Exception failure) => failure.HResult == (
        OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35 : 11);

    private static async Task FillAsync(string entry, Func<string, Task> fill)
    {
        var unfinished = Unfinished(entry);
        try
        {
            OnDisk(() => Directory.CreateDirectory(unfinished));
            await fill(unfinished);
            OnDisk(() => Place(unfinished, entry));
        }
        finally
        {
            Delete(unfinished);
        }
    }

    private static void Place(string unfinished, string entry)
    {
        try
        {
            Directory.Move(unfinished, entry);
        }
        catch (IOException) when (Directory.Exists(entry))
        {
            // Another process was faster. Its entry has the same files.
        }
    }

    private void RemoveOld()
    {
        try
        {
            var folders = new DirectoryInfo(_folder.Value).GetDirectories()
                .Where(folder => folder.LinkTarget is null && OwnName().IsMatch(folder.Name)).ToArray();
            var kept = folders.Where(folder => !IsUnfinished(folder.Name))
                .OrderByDescending(folder => folder.LastWriteTimeUtc).Take(MostKept).ToArray();
            foreach (var ofEntry in folders.Except(kept).GroupBy(folder => folder.Name.Split('.')[0]))
                RemoveUnused(ofEntry.Key, ofEntry.Select(folder => folder.FullName));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Another process may be deleting the same entries. The next call deletes the rest.
        }
    }

    /// <summary>Deletes folders of an entry, unless a process uses or fills it.</summary>
    private void RemoveUnused(string name, IEnumerable<string> folders)
    {
        using var unused = ExclusiveFileLock.TryTake(LockOf(name));
        if (unused is null) return;
        foreach (var folder in folders) Remove(folder);
    }

    /// <summary>Deletes a folder. A process that is killed meanwhile leaves no half entry.</summary>
    private static void Remove(string folder)
    {
        var unfinished = IsUnfinished(folder) ? folder : Unfinished(folder);
        if (unfinished != folder && Directory.Exists(folder)) Directory.Move(folder, unfinished);
        Delete(unfinished);
    }

    private static void Delete(string unfinished)
    {
        try
        {
            if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The next process that fills an entry deletes it.
        }
    }

    private static string Unfinished(string entry) => $"{entry}.{Guid.NewGuid():n}.part";

    private static bool IsUnfinished(string folder) => folder.EndsWith(".part", StringComparison.Ordinal);

    [GeneratedRegex(@"\A[0-9a-f]{64}(?:\.[0-9a-f]{32}\.part)?\z")]
    private static partial Regex OwnName();
}

/// <summary>An entry of the cache. It is not deleted while it is held.</summary>
/// <param name="folder">The full path of the model directory.</param>
/// <param name="isNew">True if it was filled just now.</param>
/// <param name="held">The hold.</param>
/// <param name="remove">Deletes the entry unless it is held.</param>
internal sealed class CachedModel(string folder, bool isNew, IDisposable held, Action remove) : IDisposable
{
    /// <summary>The full path of the model directory.</summary>
    public string Folder => folder;

    /// <summary>True if it was filled just now.</summary>
    public bool IsNew => isNew;

    /// <summary>Ends the hold, and deletes the entry unless another process uses it.</summary>
    public void Discard()
    {
        held.Dispose();
        remove();
    }

    /// <inheritdoc />
    public void Dispose() => held.Dispose();
}
