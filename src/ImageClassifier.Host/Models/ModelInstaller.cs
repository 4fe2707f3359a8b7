using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Models;

/// <summary>A network to download, with the other files of its model.</summary>
/// <param name="Name">The name of the model.</param>
/// <param name="Address">The address of the network.</param>
/// <param name="Bytes">The size of the network; null if not known.</param>
/// <param name="Sha256">The SHA-256 of the network: 64 lower-case hexadecimal digits.</param>
/// <param name="License">The licence; null if not known.</param>
/// <param name="Contract">The content of <c>model.json</c>.</param>
internal sealed record NetworkSource(
    string Name, Uri Address, long? Bytes, string Sha256, string? License, byte[] Contract);

/// <summary>The outcome of adding a model.</summary>
/// <param name="Model">The model.</param>
/// <param name="IsNew">False if it was there before.</param>
internal sealed record AddedModel(InstalledModel Model, bool IsNew);

/// <summary>Adds models to a store. Each is checked by hash and tried before it gets its name.</summary>
/// <param name="store">The store. Its folder may not exist yet.</param>
/// <param name="prepare">Makes the data folder of the store ready. It is called before the first write, so that a refused
/// command leaves nothing behind.</param>
/// <param name="downloader">Downloads networks and labels.</param>
/// <param name="tryModel">Loads a model directory and runs its model on trial pictures. It throws
/// <see cref="InvalidSettingException"/> if the model is wrong.</param>
internal sealed class ModelInstaller(
    ModelStore store, Action prepare, Downloader downloader, Func<string, ModelIdentity> tryModel)
{
    /// <summary>The largest network: a protobuf message cannot be larger.</summary>
    public const long MaxNetworkBytes = int.MaxValue;

    // A message names so many files.
    private const int MostShown = 5;

    private const string NetworkFile = "model.onnx";

    /// <summary>Downloads a model of the catalogue.</summary>
    /// <exception cref="ModelFailureException">The model cannot be added.</exception>
    public Task<AddedModel> AddAsync(
        CatalogueEntry entry, Action<TransferProgress> report, CancellationToken cancellation)
    {
        var source = new NetworkSource(
            entry.Name, entry.Network, entry.Bytes, entry.Sha256, entry.License, Encoding.UTF8.GetBytes(entry.Contract));
        return AddAsync(
            source, null, unfinished => FetchLabelsAsync(entry, unfinished, cancellation), report, cancellation);
    }

    /// <summary>Downloads a network, and adds it with a contract and labels of this machine.</summary>
    /// <exception cref="ModelFailureException">The model cannot be added.</exception>
    public Task<AddedModel> AddAsync(
        NetworkSource source, byte[] labels, Action<TransferProgress> report, CancellationToken cancellation) =>
        AddAsync(source, labels, _ => Task.FromResult(labels), report, cancellation);

    /// <summary>Copies a model directory.</summary>
    /// <exception cref="ModelFailureException">The model cannot be added.</exception>
    public async Task<AddedModel> AddDirectoryAsync(string path, string name, CancellationToken cancellation)
    {
        var source = Path.GetFullPath(path);
        string[] files = [.. ModelStore.FilesIn(source).Where(IsPartOfModel)];
        RefuseLinks(source, files);
        var identity = Try(source, $"{source} was not added");
        prepare();
        using var unfinished = store.Begin(name);
        if (store.Find(name) is { } present)
            return present.Marker?.Sha256 == identity.Sha256 ? new AddedModel(present, IsNew: false) : throw Taken(present);
        try
        {
            unfinished.Stage();
            foreach (var file in files)
                await unfinished.CopyAsync(Path.Combine(source, file), file, cancellation);

            return Finish(unfinished, name, source, null, null);
        }
        catch
        {
            unfinished.Discard();
            throw;
        }
    }

    private async Task<AddedModel> AddAsync(
        NetworkSource source,
        byte[]? knownLabels,
        Func<UnfinishedModel, Task<byte[]>> labelsOf,
        Action<TransferProgress> report,
        CancellationToken cancellation)
    {
        prepare();
        using var unfinished = store.Begin(source.Name);
        if (store.Find(source.Name) is { } present)
            return IsOf(present, source, knownLabels) ? new AddedModel(present, IsNew: false) : throw Taken(present);

        unfinished.ExpectNetwork(source.Sha256);
        var labels = await labelsOf(unfinished);
        await FetchNetworkAsync(source, unfinished, report, cancellation);
        unfinished.Stage();
        File.Move(unfinished.Network.Path, Path.Combine(unfinished.Staged, NetworkFile));
        try
        {
            unfinished.Write(ModelDirectory.ContractFile, source.Contract);
            unfinished.Write(ModelDirectory.LabelsTextFile, labels);
            return Finish(
                unfinished, source.Name, source.Address.GetLeftPart(UriPartial.Path), source.License, source.Sha256);
        }
        catch when (Directory.Exists(unfinished.Staged))
        {
            // The network is as it must be. With another contract it may work, and need not be downloaded again.
            File.Move(Path.Combine(unfinished.Staged, NetworkFile), unfinished.Network.Path);
            throw;
        }
    }

    private async Task<byte[]> FetchLabelsAsync(
        CatalogueEntry entry, UnfinishedModel unfinished, CancellationToken cancellation)
    {
        await downloader.FetchAsync(
            new Download(entry.Labels, unfinished.Labels, null, ImageNetLabels.MaxBytes), _ => { }, cancellation);
        try
        {
            var content = await File.ReadAllBytesAsync(unfinished.Labels.Path, cancellation);
            return Encoding.UTF8.GetBytes(
                string.Concat(ImageNetLabels.Parse(content).Select(label => $"{label}\n")));
        }
        catch (FormatException failure)
        {
            throw new ModelFailureException(
                $"{entry.Labels} is not the list of ImageNet's classes: {failure.Message}. It may be the page of a proxy. "
                + "Open the address in a browser to see what is there.", failure);
        }
    }

    private async Task FetchNetworkAsync(
        NetworkSource source, UnfinishedModel unfinished, Action<TransferProgress> report, CancellationToken cancellation)
    {
        // An earlier run may have downloaded the whole network without a known size.
        if (unfinished.Network.Length > 0 && await HashAsync(unfinished.Network, cancellation) == source.Sha256) return;
        await downloader.FetchAsync(
            new Download(source.Address, unfinished.Network, source.Bytes, MaxNetworkBytes), report, cancellation);
        var sha256 = await HashAsync(unfinished.Network, cancellation);
        if (sha256 == source.Sha256) return;
        unfinished.Network.Delete();
        throw new ModelFailureException(
            $"The download has the SHA-256 {sha256}, but must have {source.Sha256}, so it was deleted. It was damaged "
            + "on its way, or the file at the address is another one. Run the command again; if the hash is the same, do "
            + "not use the file.");
    }

    private AddedModel Finish(
        UnfinishedModel unfinished, string name, string source, string? license, string? networkSha256)
    {
        var identity = Try(unfinished.Staged, $"The model {name} was not added");
        unfinished.Finish(new ModelMarker(
            source, license, networkSha256, identity.Sha256, ModelStore.FilesIn(unfinished.Staged)));
        return new AddedModel(store.Find(name)!, IsNew: true);
    }

    private ModelIdentity Try(string folder, string what)
    {
        try
        {
            return tryModel(folder);
        }
        catch (InvalidSettingException wrong)
        {
            throw new ModelFailureException($"{what}: {wrong.Reason}.", wrong);
        }
    }

    // Hidden files are those of other programs, such as version control.
    private static bool IsPartOfModel(string file) => !file.Split('/').Any(part => part.StartsWith('.'));

    // A link can lead to a file that is not for those who can read the data folder. A copy of a pipe would wait for ever.
    private static void RefuseLinks(string folder, IEnumerable<string> files)
    {
        string[] refused = [.. files.Select(Fault).OfType<string>()];
        if (refused.Length == 0) return;
        var more = refused.Length > MostShown ? $" and {refused.Length - MostShown} more" : "";
        throw new ModelFailureException(
            $"{folder} was not added: {string.Join(", ", refused.Take(MostShown))}{more}. A model is copied with regular files "
            + "only. Put the files themselves there, or remove what is not of the model.");

        string? Fault(string file)
        {
            var path = Path.Combine(folder, file);
            if (new FileInfo(path).LinkTarget is { } target) return $"{file} is a link to {target}";
            return PathKinds.Of(path) is not (PathKind.Regular or PathKind.Unknown) and var kind
                ? $"{file} is {kind.InWords()}"
                : null;
        }
    }

    private static bool IsOf(InstalledModel present, NetworkSource source, byte[]? labels) =>
        present.Marker?.NetworkSha256 == source.Sha256
        && HasContent(present, ModelDirectory.ContractFile, source.Contract)
        && (labels is null || HasContent(present, ModelDirectory.LabelsTextFile, labels));

    private static bool HasContent(InstalledModel present, string name, byte[] content)
    {
        var file = new FileInfo(Path.Combine(present.Path, name));
        // A pipe has no length, and is not opened: that would wait for a writer.
        return file.Exists && file.Length == content.Length
            && File.ReadAllBytes(file.FullName).AsSpan().SequenceEqual(content);
    }

    private static ModelFailureException Taken(InstalledModel present) => new(
        $"There is another model {present.Name} in {present.Path}. Remove it first (image-classifier models remove "
        + $"{present.Name}), or choose another name with --name.")
    { IsWrongUse = true };

    private static async Task<string> HashAsync(PartialFile file, CancellationToken cancellation)
    {
        await using var stream = File.OpenRead(file.Path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation));
    }
}
