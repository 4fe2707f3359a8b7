using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The verb <c>models add</c>.</summary>
/// <param name="createInstaller">Creates the installer; true allows http.</param>
/// <param name="output">The output.</param>
/// <param name="progress">The terminal for the progress bar; null for none.</param>
internal sealed class ModelsAddVerb(
    Func<bool, ModelInstaller> createInstaller, ModelsOutput output, TextWriter? progress)
{
    // A model.json or labels.txt of more is another file.
    private const long MaxTextBytes = 16 << 20;

    /// <summary>Adds the model, and prints where it is.</summary>
    /// <exception cref="InvalidSettingException">An option is wrong. Nothing was done.</exception>
    /// <exception cref="ModelFailureException">The model cannot be added.</exception>
    public async Task<int> RunAsync(ModelsAddOptions options, CancellationToken cancellation)
    {
        var added = await AddAsync(options, cancellation);
        output.PrintAdded(added, options.Json);
        return ExitCodes.Done;
    }

    /// <summary>True if the arguments name something to download, and not a directory.</summary>
    public static bool IsDownload(ModelsAddOptions options) =>
        IsAddress(options) || ModelCatalogue.Find(options.What) is not null;

    private static bool IsAddress(ModelsAddOptions options) => options.What.Contains("://", StringComparison.Ordinal);

    private Task<AddedModel> AddAsync(ModelsAddOptions options, CancellationToken cancellation)
    {
        if (string.IsNullOrWhiteSpace(options.What))
        {
            throw new ModelFailureException(
                "models add got an empty text, so it does not know what to add. Give a name of the catalogue "
                + $"({ModelCatalogue.Names}), the address of a .onnx file, or a model directory.")
            { IsWrongUse = true };
        }

        if (IsAddress(options)) return AddAddressAsync(options, cancellation);
        foreach (var (option, value) in ((string, string?)[])
            [("--sha256", options.Sha256), ("--contract", options.Contract), ("--labels", options.Labels)])
        {
            if (value is not null) throw new InvalidSettingException(option, value, "it goes with an address only");
        }

        if (ModelCatalogue.Find(options.What) is { } entry)
        {
            if (options.Name is { } other)
                throw new InvalidSettingException("--name", other, "a model of the catalogue keeps its name");
            return TransferBar.RunAsync(progress, entry.Name, report =>
                createInstaller(options.AllowHttp).AddAsync(entry, report, cancellation));
        }

        if (!Directory.Exists(options.What))
        {
            throw new ModelFailureException(
                $"{options.What} is no name of the catalogue ({ModelCatalogue.Names}), no address and no directory. Check "
                + "the spelling.")
            { IsWrongUse = true };
        }

        var name = NameOf(options, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.What))));
        return createInstaller(options.AllowHttp).AddDirectoryAsync(options.What, name, cancellation);
    }

    private Task<AddedModel> AddAddressAsync(ModelsAddOptions options, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(options.What, UriKind.Absolute, out var address) || address.Host.Length == 0)
        {
            throw new ModelFailureException("The address is wrong. It must be like https://host/model.onnx.")
            {
                IsWrongUse = true,
            };
        }

        Downloader.CheckScheme(address, options.AllowHttp);
        if (address.UserInfo.Length > 0)
        {
            throw new ModelFailureException(
                "The address has a user or a password, which would be sent to whoever answers. Leave them out, or download "
                + "the file in another way and add its directory.")
            { IsWrongUse = true };
        }

        var sha256 = Needed("--sha256", options.Sha256).ToLowerInvariant();
        if (!ModelReference.IsHash(sha256))
            throw new InvalidSettingException("--sha256", sha256, "it must be 64 hexadecimal digits");
        var contract = Read("--contract", options.Contract);
        var labels = Read("--labels", options.Labels);
        var name = NameOf(options, Path.GetFileNameWithoutExtension(Uri.UnescapeDataString(address.AbsolutePath)));
        var source = new NetworkSource(name, address, null, sha256, null, contract);
        return TransferBar.RunAsync(progress, name, report =>
            createInstaller(options.AllowHttp).AddAsync(source, labels, report, cancellation));
    }

    private static string NameOf(ModelsAddOptions options, string suggested)
    {
        var name = options.Name ?? suggested.ToLowerInvariant();
        if (!ModelName.IsValid(name))
        {
            throw new InvalidSettingException(
                "--name", options.Name, $"\"{name}\" is no name of a model: {ModelName.Rule}");
        }

        return ModelCatalogue.Find(name) is null
            ? name
            : throw new InvalidSettingException(
                "--name", options.Name, $"{name} is a model of the catalogue; choose another name");
    }

    private static byte[] Read(string option, string? path)
    {
        var file = Path.GetFullPath(Needed(option, path));
        if (!Path.Exists(file)) throw new InvalidSettingException(option, path, "there is no such file");
        // Opening a pipe waits for a writer, and some devices never end.
        var kind = Directory.Exists(file) ? PathKind.Folder : PathKinds.Of(file);
        if (kind is not (PathKind.Regular or PathKind.Unknown))
            throw new InvalidSettingException(option, path, $"it is {kind.InWords()}, but must be a file");
        try
        {
            using var stream = File.OpenRead(file);
            if (stream.Length > MaxTextBytes)
            {
                throw new InvalidSettingException(
                    option, path, $"it has {stream.Length} bytes, but may have at most {MaxTextBytes}; give the right file");
            }

            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException(option, path, $"it cannot be read ({failure.Message})", failure);
        }
    }

    private static string Needed(string option, string? value) => string.IsNullOrEmpty(value)
        ? throw new InvalidSettingException(option, null, "an address needs --sha256, --contract and --labels")
        : value;
}
