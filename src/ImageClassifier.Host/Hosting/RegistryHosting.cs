using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Storage;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Models;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verbs on the registry of models, in the store of the settings' environment. They work beside a running
/// service.</summary>
internal static class RegistryHosting
{
    /// <summary>Runs a verb.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="options">The arguments of the verb.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
    /// <param name="progress">The terminal for the progress bar; null for none.</param>
    /// <param name="cancellation">Asks the verb to stop.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    /// <exception cref="InvalidSettingException">A setting or an option is wrong.</exception>
    /// <exception cref="ModelFailureException">The verb failed.</exception>
    public static async Task<int> RunAsync(
        Config config,
        RegistryOptions options,
        TextWriter output,
        int? width,
        TextWriter? progress,
        CancellationToken cancellation)
    {
        var installed = new ModelStore(new EmbeddedLayout(EmbeddedSettings.Create(config).DataFolder).Models);
        var print = new RegistryOutput(output, width);
        if (!EnvironmentSettings.Create(config).IsAws)
        {
            var layout = EmbeddedEnvironment.OpenExisting(EmbeddedSettings.Create(config));
            return await RunAsync(new FileObjectStore(layout), $"the data folder {layout.DataFolder}");
        }

        var settings = AwsConfiguration.CreateAws(config);
        using var clients = new AwsClients(settings);
        return await RunAsync(
            new S3ObjectStore(clients.S3(), settings.Bucket), $"the bucket {settings.Bucket.Name}");

        async Task<int> RunAsync(IObjectStore store, string place)
        {
            try
            {
                return options is ModelsPushOptions push
                    ? await new ModelsPushVerb(new ModelPush(store, ModelTrial.With(config)), installed, print, progress)
                        .RunAsync(push, cancellation)
                    : await new RegistryVerb(new ModelRegistry(store), print).RunAsync(options, cancellation);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw new ModelFailureException(
                    $"The registry of models in {place} could not be used: {failure.Message.TrimEnd('.')}. Run the command "
                    + "again when the fault is mended.", failure);
            }
        }
    }
}
