using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Host.Models;

/// <summary>Loads models of the registry in the store. It fetches their files into a cache on this machine, and checks
/// the size and the hash of each.</summary>
/// <param name="store">The store.</param>
/// <param name="cache">The cache, of which it disposes.</param>
/// <param name="tryInChild">Loads a model directory in a child process. It throws
/// <see cref="UnusableModelException"/> if the child dies of it.</param>
/// <param name="load">Loads a model directory and tries its samples. It throws <see cref="InvalidSettingException"/> if
/// the model is wrong.</param>
/// <param name="findInstalled">The full path of a model directory on this machine; null if it has none with this
/// model.</param>
internal sealed class RegistryModels(
    IObjectStore store,
    ModelCache cache,
    Func<string, CancellationToken, Task> tryInChild,
    Func<string, LoadedModel> load,
    Func<ModelIdentity, string?> findInstalled)
    : IModelSource, IDisposable
{
    private const int BlockSize = 1 << 17;

    // A load takes the memory of a model twice, and all cores.
    private readonly SemaphoreSlim _loading = new(1);

    /// <inheritdoc />
    public async Task<LoadedModel> LoadAsync(ModelReference model, bool isProven, CancellationToken cancellation)
    {
        var list = await ReadListAsync(model, cancellation);
        try
        {
            return await LoadAsync(list, EntryOf(list), isProven, cancellation);
        }
        catch (DamagedEntryException)
        {
            // Another process may be using that entry, so this one is beside it.
            return await LoadAsync(list, EntryOf(list, Guid.NewGuid()), isProven, cancellation);
        }
    }

    /// <inheritdoc />
    public async Task<LoadedModel?> LoadInstalledAsync(ModelIdentity model, CancellationToken cancellation)
    {
        await _loading.WaitAsync(cancellation);
        try
        {
            var folder = await Task.Run(() => findInstalled(model), CancellationToken.None);
            if (folder is null) return null;
            await tryInChild(folder, cancellation);
            return await Task.Run(() => LoadInstalled(model, folder), CancellationToken.None);
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Waits for a load under way: an earlier exit of the process would crash in native code.</summary>
    public void Dispose()
    {
        _loading.Wait();
        _loading.Dispose();
        cache.Dispose();
    }

    private async Task<PushedModel> ReadListAsync(ModelReference model, CancellationToken cancellation)
    {
        var list = await store.ReadDocumentAsync<PushedModel>(RegistryKeys.Files(model), cancellation) switch
        {
            DocumentRead<PushedModel>.Found found => found.Document,
            DocumentRead<PushedModel>.Damaged damaged =>
                throw new UnusableModelException($"the list of its files in the store is damaged: {damaged.Why}"),
            _ => throw new UnusableModelException("the list of its files is missing in the store"),
        };
        if (list.Files.Any(file => file.Size > ModelInstaller.MaxNetworkBytes)
            || list.Files.Sum(file => file.Size) > ModelInstaller.MaxNetworkBytes)
            throw new UnusableModelException($"it is larger than {ModelInstaller.MaxNetworkBytes} bytes");
        var folders = list.Files.SelectMany(file => FoldersOf(file.Path)).ToHashSet();
        return list.Files.FirstOrDefault(file => folders.Contains(file.Path)) is { } both
            ? throw new UnusableModelException($"{both.Path} in it is both a file and a folder")
            : list;
    }

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1)) yield return path[..slash];
    }

    /// <summary>The name in the cache. It covers all files: those that the model's hash leaves out, such as samples, may
    /// differ after a new push.</summary>
    /// <param name="list">The list of the files.</param>
    /// <param name="copy">Distinguishes a second entry of the same files; null for the first.</param>
    private static string EntryOf(PushedModel list, Guid? copy = null)
    {
        var lines = list.Files.OrderBy(file => file.Path, StringComparer.Ordinal)
            .Select(file => $"{file.Sha256}  {file.Path}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{string.Concat(lines)}{copy}")));
    }

    private async Task FetchAsync(PushedModel list, string folder, CancellationToken cancellation)
    {
        foreach (var file in list.Files)
        {
            var stored = await store.GetAsync(RegistryKeys.File(list.Model, file), cancellation)
                ?? throw new UnusableModelException($"its file {file.Path} is missing in the store");
            await using (stored) await FetchAsync(file, stored, folder, cancellation);
        }
    }

    private static async Task FetchAsync(
        PushedFile file, StoredObject stored, string folder, CancellationToken cancellation)
    {
        if (stored.Size != file.Size) throw WrongSize(file);
        await using var target = Create(file, folder);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            var length = 0L;
            int read;
            while ((read = await stored.Content.ReadAsync(block.AsMemory(0, BlockSize), cancellation)) > 0)
            {
                length += read;
                if (length > file.Size) throw WrongSize(file);
                hash.AppendData(block, 0, read);
                await ModelCache.OnDiskAsync(() => target.WriteAsync(block.AsMemory(0, read), cancellation));
            }

            // The object itself is as long as it must be.
            if (length < file.Size) throw new EndOfStreamException($"The store broke off in the file {file.Path}.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }

        var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (sha256 != file.Sha256)
        {
            throw new UnusableModelException(
                $"its file {file.Path} in the store has the SHA-256 {sha256}, but must have {file.Sha256}");
        }

        // Down to the disk: the rename must not come before the content.
        ModelCache.OnDisk(() => target.Flush(flushToDisk: true));
    }

    private static UnusableModelException WrongSize(PushedFile file) => new(
        $"its file {file.Path} in the store has another size than {file.Size} bytes");

    private static FileStream Create(PushedFile file, string folder)
    {
        var path = Path.Combine(folder, file.Path);
        FileStream? target = null;
        try
        {
            ModelCache.OnDisk(() =>
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                target = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            });
            return target!;
        }
        catch (ModelNotLoadedException failure) when (failure.InnerException is PathTooLongException)
        {
            throw new UnusableModelException($"its file {file.Path} has a name that is too long", failure);
        }
    }

    private async Task<LoadedModel> LoadAsync(
        PushedModel list, string entry, bool isProven, CancellationToken cancellation)
    {
        var cached = await cache.OpenAsync(entry, folder => FetchAsync(list, folder, cancellation));
        try
        {
            await _loading.WaitAsync(cancellation);
            try
            {
                if (!isProven) await tryInChild(cached.Folder, cancellation);
                // Loading takes long, and uses a core fully.
                var loaded = await Task.Run(() => Load(list.Model, cached.Folder), CancellationToken.None);
                return loaded with { Files = cached };
            }
            finally
            {
                _loading.Release();
            }
        }
        catch (UnusableModelException defect)
        {
            cached.Discard();
            // An older entry may have been damaged on this disk. The registry is at fault only if its own files are.
            if (!cached.IsNew) throw new DamagedEntryException(defect);
            throw;
        }
        catch
        {
            cached.Dispose();
            throw;
        }
    }

    private LoadedModel Load(ModelReference model, string folder)
    {
        var loaded = TryLoad(model, folder);
        var sha256 = loaded.Classifier.Model.Sha256;
        if (sha256 == model.Sha256) return loaded;
        loaded.Dispose();
        throw new UnusableModelException($"its files make the model with the SHA-256 {sha256}");
    }

    private LoadedModel? LoadInstalled(ModelIdentity model, string folder)
    {
        var loaded = load(folder);
        if (loaded.Classifier.Model.Sha256 == model.Sha256) return loaded;
        // Its files have changed since they were hashed.
        loaded.Dispose();
        return null;
    }

    private LoadedModel TryLoad(ModelReference model, string folder)
    {
        try
        {
            return load(folder);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Other machines have other folders.
            var reason = ((failure as InvalidSettingException)?.Reason ?? failure.Message)
                .Replace(folder, "the model", StringComparison.Ordinal).TrimEnd('.');
            if (MachineFailure.IsCauseOf(failure))
            {
                throw new ModelNotLoadedException(
                    $"The model {model} cannot be loaded on this machine: {reason}. Check its memory, its disk and the "
                    + "limit of open files.", failure);
            }

            // Other nodes fail in the same way.
            throw new UnusableModelException(reason, failure);
        }
    }

    private sealed class DamagedEntryException(Exception cause) : Exception(cause.Message, cause);
}
