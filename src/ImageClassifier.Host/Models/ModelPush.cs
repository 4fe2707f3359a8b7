using System.Security.Cryptography;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Host.Models;

/// <summary>A model that was pushed.</summary>
/// <param name="Model">Its list in the registry.</param>
/// <param name="Uploaded">The number of files that were not there before.</param>
/// <param name="IsTriedAgain">True if nodes had refused the model. The refusal is removed, so they try it again.</param>
internal sealed record ModelPushed(PushedModel Model, int Uploaded, bool IsTriedAgain);

/// <summary>Puts a model directory into the registry. The list of its files comes last, so an interrupted push leaves no half
/// model, and the next push goes on where it stopped.</summary>
/// <param name="store">The store of the registry.</param>
/// <param name="tryModel">Loads a model directory and runs its model on trial pictures and samples. It throws
/// <see cref="InvalidSettingException"/> if the model is wrong.</param>
internal sealed class ModelPush(IObjectStore store, Func<string, ModelIdentity> tryModel)
{
    /// <summary>Pushes a model.</summary>
    /// <param name="folder">The full path of its directory.</param>
    /// <param name="name">Its name in the registry.</param>
    /// <param name="report">Receives the progress.</param>
    /// <param name="cancellation">Stops the push.</param>
    /// <exception cref="ModelFailureException">The model cannot be pushed.</exception>
    public async Task<ModelPushed> RunAsync(
        string folder, string name, Action<TransferProgress> report, CancellationToken cancellation)
    {
        var pushed = await DescribeAsync(folder, name, cancellation);
        var verdict = await store.ReadDocumentAsync<ModelVerdict>(
            RegistryKeys.Verdict(pushed.Model), cancellation);
        var isRefused = verdict is DocumentRead<ModelVerdict>.Damaged or
            DocumentRead<ModelVerdict>.Found { Document.IsUsable: false };
        if (isRefused) await CheckNoBatchHasAsync(pushed.Model, cancellation);
        var uploaded = await UploadAsync(folder, pushed, report, cancellation);
        await store.PutAsync(RegistryKeys.Files(pushed.Model), WireJson.WriteUtf8(pushed), cancellation);
        if (isRefused) await store.DeleteAsync(RegistryKeys.Verdict(pushed.Model), cancellation);
        return new ModelPushed(pushed, uploaded, isRefused);
    }

    /// <summary>Open batches of a refused model have results of its replacement. Without the verdict, the rest of them would
    /// get results of the model.</summary>
    private async Task CheckNoBatchHasAsync(ModelReference model, CancellationToken cancellation)
    {
        var open = new HashSet<BatchId>();
        await foreach (var found in store.ListAsync(ObjectKeys.OpenBatches, cancellation))
        {
            if (!ObjectKeys.TryParseOpenMarker(found.Key, out var batch, out _) || open.Contains(batch)) continue;
            var manifest = await store.ReadDocumentAsync<BatchManifest>(ObjectKeys.Manifest(batch), cancellation);
            if (manifest.OrNull?.Model == model) open.Add(batch);
        }

        if (open.Count == 0) return;
        throw new ModelFailureException(
            $"{model} was not pushed again. Nodes refused it, and batches that were uploaded with it are not complete "
            + $"({open.Count}): they would get results of two models. Run the command again when they are complete.");
    }

    /// <summary>Compares the stored bytes. A file can be damaged and have the right size.</summary>
    private async Task<bool> IsWholeAsync(string key, PushedFile file, CancellationToken cancellation)
    {
        await using var stored = await store.GetAsync(key, cancellation);
        return stored is not null
            && Convert.ToHexStringLower(await SHA256.HashDataAsync(stored.Content, cancellation)) == file.Sha256;
    }

    /// <summary>Refuses what nodes would refuse.</summary>
    internal static void CheckSize(string folder, IReadOnlyList<PushedFile> files)
    {
        if (files.Count > PushedModel.MostFiles)
        {
            throw new ModelFailureException(
                $"{folder} was not pushed: it has {files.Count} files; leave at most {PushedModel.MostFiles}.");
        }

        if (files.Sum(file => file.Size) is var bytes and > ModelInstaller.MaxNetworkBytes)
        {
            throw new ModelFailureException(
                $"{folder} was not pushed: its files have {bytes} bytes, and nodes take at most {ModelInstaller.MaxNetworkBytes}.");
        }
    }

    private async Task<PushedModel> DescribeAsync(string folder, string name, CancellationToken cancellation)
    {
        var (identity, paths) = Try(folder);
        var classes = identity.Classes
            ?? throw new InvalidOperationException("A model that was loaded has a number of classes.");
        var files = new List<PushedFile>();
        foreach (var path in paths)
        {
            await using var content = Open(folder, path);
            var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
            files.Add(new PushedFile(path, content.Length, sha256));
        }

        CheckSize(folder, files);
        return files.Find(file => !file.IsValid) is { } wrong
            ? throw new ModelFailureException(
                $"{folder} was not pushed: nodes of another system cannot have a file named {wrong.Path}. Rename it.")
            : new PushedModel(new ModelReference(name, identity.Sha256), classes, files);
    }

    private (ModelIdentity Identity, IReadOnlyList<string> Files) Try(string folder)
    {
        try
        {
            var identity = tryModel(folder);
            return (identity, FilesOf(ModelDirectory.Load(folder)));
        }
        catch (InvalidSettingException wrong)
        {
            throw new ModelFailureException(
                $"{folder} was not pushed: {wrong.Reason}. image-classifier models check names all faults.", wrong);
        }
    }

    /// <summary>The files that a node needs, as paths with slashes. Other files of the directory stay here.</summary>
    private static IReadOnlyList<string> FilesOf(ModelDirectory model)
    {
        string[] files =
        [
            ModelDirectory.ContractFile, model.LabelsFile, .. model.Contract.Parts, .. model.Weights,
            .. model.Samples,
        ];
        return [.. files.Distinct()];
    }

    private async Task<int> UploadAsync(
        string folder, PushedModel pushed, Action<TransferProgress> report, CancellationToken cancellation)
    {
        var present = await store.ListAsync(RegistryKeys.Of(pushed.Model), cancellation)
            .ToDictionaryAsync(found => found.Key, found => found.Size, cancellationToken: cancellation);
        PushedFile[] contents = [.. pushed.Files.DistinctBy(file => file.Sha256)];
        var (done, total, uploaded) = (0L, contents.Sum(file => file.Size), 0);
        foreach (var file in contents)
        {
            var key = RegistryKeys.File(pushed.Model, file);
            if (!present.TryGetValue(key, out var size) || size != file.Size || !await IsWholeAsync(key, file, cancellation))
            {
                var before = done;
                await using var content = new PushedFileStream(
                    Open(folder, file.Path), file, sent => report(new TransferProgress(before + sent, total)));
                await store.PutAsync(key, content, cancellation);
                uploaded++;
            }

            done += file.Size;
            report(new TransferProgress(done, total));
        }

        return uploaded;
    }

    private static FileStream Open(string folder, string path) => new(
        Path.Combine(folder, path), new FileStreamOptions
        {
            Access = FileAccess.Read,
            Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
        });
}
