using Akka.Configuration;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.Hosting;

/// <summary>Loads the model and tries it as a node does, while the web tier starts. Otherwise a wrong model would only
/// show as nodes that die one after the other.</summary>
internal sealed class ModelTrial : IAsyncDisposable
{
    private readonly Task _trial;

    private ModelTrial(Task trial) => _trial = trial;

    /// <summary>The trial of any model directory, with the settings of nodes.</summary>
    /// <exception cref="InvalidSettingException">A setting is wrong. The trial throws it too, if the model is
    /// wrong.</exception>
    public static Func<string, ModelIdentity> With(Config config)
    {
        var settings = OnnxSettings.CreateForAnotherMachine(config).ToAdapter() with { Threads = 1 };
        return folder =>
        {
            using var classifier = OnnxImageClassifier.Load(settings with { ModelPath = folder });
            return classifier.Model;
        };
    }

    /// <summary>Starts the trial. A model on other machines is not tried, because this machine may not have
    /// it.</summary>
    public static ModelTrial Begin(ServiceSettings settings) =>
        new(settings.HasEc2Fleet ? Task.CompletedTask : Task.Run(() => Try(settings.Model)));

    /// <summary>Waits for the end of the trial.</summary>
    /// <exception cref="InvalidSettingException">The model is wrong.</exception>
    public Task EndAsync(CancellationToken cancellation) => _trial.WaitAsync(cancellation);

    /// <summary>Waits for the end of the trial, even if it failed. An earlier exit of the process would crash in native
    /// code.</summary>
    public async ValueTask DisposeAsync() => await _trial.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private static void Try(OnnxSettings model)
    {
        OnnxImageClassifier.Load(model.ToAdapter()).Dispose();
        FreedMemory.Return();
    }
}
