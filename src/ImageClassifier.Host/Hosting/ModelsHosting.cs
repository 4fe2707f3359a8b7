using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verbs below <c>models</c> with the data folder of the settings. They work beside a running
/// service.</summary>
internal static class ModelsHosting
{
    /// <summary>Runs a verb.</summary>
    /// <param name="options">The arguments of the verb.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
    /// <param name="progress">The terminal for the progress bar; null for none.</param>
    /// <param name="cancellation">Asks the verb to stop.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    /// <exception cref="InvalidSettingException">A setting or an option is wrong.</exception>
    /// <exception cref="ModelFailureException">The verb failed.</exception>
    public static async Task<int> RunAsync(
        ModelsOptions options, TextWriter output, int? width, TextWriter? progress, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(options.Settings);
        if (options is RegistryOptions registry)
            return await RegistryHosting.RunAsync(config, registry, output, width, progress, cancellation);
        var settings = EmbeddedSettings.Create(config);
        var store = new ModelStore(new EmbeddedLayout(settings.DataFolder).Models);
        var print = new ModelsOutput(output, width);
        try
        {
            switch (options)
            {
                case ModelsAddOptions add:
                    using (var http = Downloader.CreateClient())
                    {
                        return await new ModelsAddVerb(
                            allowsHttp => CreateInstaller(config, settings, store, http, allowsHttp), print, progress)
                            .RunAsync(add, cancellation);
                    }

                case ModelsListOptions:
                    var setting = config.GetString(ModelDirectory.SettingKey);
                    print.Print(ListedModel.All(store, InUse(config), setting), options.Json);
                    return ExitCodes.Done;
                case ModelsShowOptions show:
                    print.Print(ShownModel.Of(store, show.Name, InUse(config)), options.Json);
                    return ExitCodes.Done;
                case ModelsRemoveOptions remove:
                    CheckNotInUse(store, remove.Name, InUse(config));
                    print.PrintRemoved(remove.Name, store.Remove(remove.Name), options.Json);
                    return ExitCodes.Done;
                default:
                    throw new InvalidOperationException("There is no such verb.");
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ModelFailureException(
                $"The models in {store.Folder} cannot be read or written: {failure.Message.TrimEnd('.')}. Check the free "
                + "space and the permissions there.", failure);
        }
    }

    /// <summary>The message after a signal stopped a verb.</summary>
    public static string InterruptedMessage(ModelsOptions options) => options switch
    {
        ModelsAddOptions add when ModelsAddVerb.IsDownload(add) =>
            "Interrupted. What was downloaded is kept: run the same command again to go on.",
        ModelsAddOptions => "Interrupted. No model was added.",
        ModelsPushOptions => "Interrupted. Uploaded files are kept. Run the same command again to continue.",
        RegistryOptions => "Interrupted. image-classifier models registry shows whether anything changed.",
        _ => "Interrupted.",
    };

    private static ModelInstaller CreateInstaller(
        Config config, EmbeddedSettings settings, ModelStore store, HttpClient http, bool allowsHttp)
    {
        var downloader = new Downloader(http, DownloadLimits.Default, allowsHttp, TimeProvider.System);
        return new ModelInstaller(
            store, () => EmbeddedEnvironment.CreateLayout(settings), downloader, ModelTrial.With(config));
    }

    private static void CheckNotInUse(ModelStore store, string name, string? inUse)
    {
        if (inUse is null || store.Find(name)?.Path != inUse) return;
        throw new ModelFailureException(
            $"The model {name} was not removed: the setting {ModelDirectory.SettingKey} names it. Choose another model "
            + "there first.")
        { IsWrongUse = true };
    }

    // The verbs must work when the setting names no model: they are what mends it.
    private static string? InUse(Config config)
    {
        try
        {
            return Path.TrimEndingDirectorySeparator(OnnxSettings.Create(config).ModelFolder);
        }
        catch (InvalidSettingException wrong) when (wrong.Key == ModelDirectory.SettingKey)
        {
            return null;
        }
    }
}
