using System.Buffers;
using System.Runtime.CompilerServices;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using Microsoft.Win32.SafeHandles;

namespace ImageClassifier.Adapters.Embedded.Storage;

/// <summary>
/// An object store in a folder, with a file for each object, shared by the processes of one machine. An object is
/// written to a temporary file and then renamed. It survives killed processes. A power cut can lose the last moments,
/// but an object that was put only if absent is then complete or missing. Times are the file system's. Links below the
/// folder are not followed: their targets are neither listed nor deleted.
/// </summary>
/// <remarks>A key cannot be both an object and a folder of other keys: <see cref="IOException"/>.</remarks>
public sealed class FileObjectStore : IObjectStore
{
    // How often a delete may remove the folder of a put. Each time another caller made progress.
    private const int MaxAttempts = 100;

    // Most photos for the web fit in one write. More would not be faster, and each running put holds a buffer.
    private const int BufferSize = 64 << 10;

    // More than a file system can store beside a file's name.
    private const int TrialSize = 8192;
    private const string TrialName = "health-check";

    private static readonly (string Prefix, string Objects)[] Parts =
    [
        (ObjectKeys.Images, "Pictures"),
        (ObjectKeys.Results, "Results"),
        (ObjectKeys.Batches, "Records of batches"),
        (ObjectKeys.Nodes, "Records of app nodes"),
        (ObjectKeys.Launches, "Notes of launches"),
    ];

    private readonly string _root;
    private readonly string _temporary;

    /// <summary>Creates a store.</summary>
    /// <param name="root">The folder of the objects. Created when needed.</param>
    /// <param name="temporary">The folder of objects that are being written, on the same file system and not below
    /// <paramref name="root"/>. Created when needed. A killed process leaves its file there.</param>
    public FileObjectStore(string root, string temporary)
    {
        _root = Path.GetFullPath(root);
        _temporary = Path.GetFullPath(temporary);
    }

    /// <summary>The store of a data folder.</summary>
    public FileObjectStore(EmbeddedLayout layout) : this(layout.Objects, layout.Temporary)
    {
    }

    /// <inheritdoc />
    public async Task PutAsync(string key, Stream content, CancellationToken cancellation)
    {
        var path = PathOf(key);
        await WriteAsync(
            (file, token) => CopyAsync(content, file, token),
            temporary => Finish(temporary, path, overwrite: true),
            cancellation);
    }

    /// <inheritdoc />
    public async Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var path = PathOf(key);
        cancellation.ThrowIfCancellationRequested();
        if (File.Exists(path)) return false;
        return await WriteAsync(
            (file, token) =>
            {
                Write(file, content.Span, 0);
                // No put replaces this object any more, so a power cut must not leave it empty. The disk takes its time.
                return Task.Run(() => RandomAccess.FlushToDisk(file), token);
            },
            temporary =>
            {
                var isPlaced = Finish(temporary, path, overwrite: false);
                DeleteTemporary(temporary);
                return isPlaced;
            },
            cancellation);
    }

    /// <inheritdoc />
    public Task<StoredObject?> GetAsync(string key, CancellationToken cancellation) =>
        Answer(() => Open(PathOf(key)), cancellation);

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var (folder, nameStart) = ObjectKey.SplitPrefix(prefix);
        var start = folder.Length == 0 ? "" : $"{folder}/";

        // The keys that are still to be listed, with the next on top. Keys of folders end with a slash.
        var ahead = new Stack<string>();
        await PushEntriesAsync(start, nameStart);
        while (ahead.TryPop(out var key))
        {
            cancellation.ThrowIfCancellationRequested();
            if (key.EndsWith('/'))
            {
                await PushEntriesAsync(key, "");
            }
            else
            {
                var file = new FileInfo(FilePath(key));
                if (TryDescribe(file, out var size, out var modified)) yield return new(key, size, modified);
            }
        }

        async Task PushEntriesAsync(string parent, string names)
        {
            var entries = await Task.Run(() => EntriesOf(parent, names), cancellation);
            for (var i = entries.Length - 1; i >= 0; i--) ahead.Push(entries[i]);
        }
    }

    /// <inheritdoc />
    public Task DeleteAsync(string key, CancellationToken cancellation) => Answer<object?>(
        () =>
        {
            Remove(PathOf(key));
            return null;
        },
        cancellation);

    /// <inheritdoc />
    /// <remarks>Writes a small temporary file, and puts an object with each kind of key.</remarks>
    public async Task<string?> CheckAsync(CancellationToken cancellation)
    {
        var trial = new byte[TrialSize];
        try
        {
            await WriteAsync(
                (file, _) =>
                {
                    Write(file, trial, 0);
                    return Task.CompletedTask;
                },
                temporary =>
                {
                    DeleteTemporary(temporary);
                    return true;
                },
                cancellation);
        }
        catch (IOException failure)
        {
            return IsFull(failure) ? "Nothing can be stored: the disk is full." : "Nothing can be stored.";
        }

        var failing = new List<string>();
        foreach (var (prefix, objects) in Parts)
        {
            try
            {
                var key = prefix + TrialName;
                await this.PutAsync(key, trial, cancellation);
                await DeleteAsync(key, cancellation);
            }
            catch (IOException)
            {
                failing.Add($"{objects} cannot be stored.");
            }
        }

        return failing.Count == 0 ? null : string.Join(' ', failing);
    }

    /// <summary>Runs a synchronous call as a task, so that its exception is in the task.</summary>
    private static Task<T> Answer<T>(Func<T> call, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        try
        {
            return Task.FromResult(call());
        }
        catch (Exception failure)
        {
            return Task.FromException<T>(failure);
        }
    }

    private static StoredObject? Open(string path)
    {
        try
        {
            var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            });
            // Size and time of the open file, because another file may take its place meanwhile.
            return new StoredObject(file, file.Length, File.GetLastWriteTimeUtc(file.SafeFileHandle));
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException failure)
        {
            return Directory.Exists(path) ? null : throw NotAllowed(failure);
        }
    }

    private void Remove(string path)
    {
        if (IsBehindLink(Path.GetDirectoryName(path)!))
            throw new IOException($"{path} is behind a link, and the object store does not follow links.");
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            return;
        }
        catch (UnauthorizedAccessException failure)
        {
            if (Directory.Exists(path)) return;
            throw NotAllowed(failure);
        }

        RemoveEmptyFolders(Path.GetDirectoryName(path)!);
    }

    /// <summary>Writes a temporary file and finishes it.</summary>
    /// <param name="write">Writes the open file.</param>
    /// <param name="finish">Renames or deletes the complete file.</param>
    /// <param name="cancellation">Ends the call.</param>
    private async Task<bool> WriteAsync(
        Func<SafeFileHandle, CancellationToken, Task> write,
        Func<string, bool> finish,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var temporary = Path.Combine(_temporary, OwnFileNames.NewTemporary());
        try
        {
            using (var file = Create(temporary)) await write(file, cancellation);
            cancellation.ThrowIfCancellationRequested();
            return finish(temporary);
        }
        catch
        {
            DeleteTemporary(temporary);
            throw;
        }
    }

    private static async Task CopyAsync(Stream content, SafeFileHandle file, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var written = 0L; ; written += BufferSize)
            {
                var read = await content.ReadAtLeastAsync(
                    buffer.AsMemory(0, BufferSize), BufferSize, throwOnEndOfStream: false, cancellation);
                Write(file, buffer.AsSpan(0, read), written);
                if (read < BufferSize) return;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Copies to the system's cache, which takes less time than a switch to another thread.
    private static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (ArgumentOutOfRangeException failure)
        {
            // The runtime throws this when the system does not let a file grow.
            throw new IOException("A file of the object store may not grow further.", failure);
        }
    }

    private static void DeleteTemporary(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (DirectoryNotFoundException)
        {
            // The file was never created. The caller gets the exception of that failure.
        }
    }

    private SafeFileHandle Create(string temporary)
    {
        try
        {
            if (!Directory.Exists(_temporary)) Directory.CreateDirectory(_temporary);
            return File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        }
        catch (UnauthorizedAccessException failure)
        {
            throw NotAllowed(failure);
        }
    }

    /// <summary>Renames a complete file to its final path.</summary>
    /// <returns>False if there is an object and it must not be overwritten.</returns>
    private static bool Finish(string temporary, string path, bool overwrite)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var folder = Path.GetDirectoryName(path)!;
                if (!Directory.Exists(folder)) Directory.CreateDirectory(folder);
                if (!overwrite) return ExclusivePlacing.TryPlace(temporary, path);
                File.Move(temporary, path, overwrite: true);
                return true;
            }
            catch (IOException) when (attempt < MaxAttempts)
            {
                // A delete removed the empty folder meanwhile, which causes one of several errors. Any other error
                // happens again on the last attempt.
            }
            catch (UnauthorizedAccessException failure)
            {
                throw NotAllowed(failure);
            }
        }
    }

    /// <summary>The keys in a folder, sorted so that a walk in this order visits all objects in the ordinal order of
    /// their keys. A folder sorts with its slash, which comes after <c>.</c> and <c>-</c> and before letters.</summary>
    private string[] EntriesOf(string parent, string nameStart)
    {
        var folder = new DirectoryInfo(parent.Length == 0 ? _root : FilePath(parent[..^1]));
        if (new DirectoryInfo(_root).LinkTarget is not null)
            throw new IOException($"{_root} is a link, and the object store does not follow links.");
        if (IsBehindLink(folder.FullName)) return [];
        try
        {
            var entries = folder.EnumerateFileSystemInfos()
                .Where(entry => entry.Name.StartsWith(nameStart, StringComparison.Ordinal)
                    && ObjectKey.IsName(entry.Name) && (entry.Attributes & FileAttributes.ReparsePoint) == 0)
                .Select(entry => parent + entry.Name + (entry is DirectoryInfo ? "/" : ""))
                .ToArray();
            Array.Sort(entries, StringComparer.Ordinal);
            return entries;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (IOException) when (File.Exists(folder.FullName))
        {
            return [];
        }
        catch (UnauthorizedAccessException failure)
        {
            throw NotAllowed(failure);
        }
    }

    private bool IsBehindLink(string folder)
    {
        for (; folder.Length >= _root.Length; folder = Path.GetDirectoryName(folder)!)
        {
            if (new DirectoryInfo(folder).LinkTarget is not null) return true;
        }

        return false;
    }

    private void RemoveEmptyFolders(string folder)
    {
        for (; folder.Length > _root.Length; folder = Path.GetDirectoryName(folder)!)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (DirectoryNotFoundException)
            {
                // Another caller removed it. The parent may still be there.
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // It is not empty, or in use. Either way it stays.
                return;
            }
        }
    }

    /// <summary>False if the file was deleted since it was listed.</summary>
    private static bool TryDescribe(FileInfo file, out long size, out DateTimeOffset modified)
    {
        (size, modified) = (0, default);
        if (!file.Exists) return false;
        // Both values were read together with Exists.
        (size, modified) = (file.Length, file.LastWriteTimeUtc);
        return true;
    }

    private string PathOf(string key)
    {
        ObjectKey.Check(key);
        return FilePath(key);
    }

    private string FilePath(string key) => Path.Combine(_root, key.Replace('/', Path.DirectorySeparatorChar));

    // The error number on Unix, and its two counterparts on Windows.
    private static bool IsFull(IOException failure) =>
        failure.HResult is 28 or unchecked((int)0x80070070) or unchecked((int)0x80070027);

    private static StoreRefusedException NotAllowed(UnauthorizedAccessException failure) =>
        new($"The object store may not be used: {failure.Message}", failure);
}
