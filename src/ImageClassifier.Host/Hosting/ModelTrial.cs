using Akka.Configuration;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.Hosting;

/// <summary>Loads the model and tries it as a node does, while the web tier starts. Otherwise a wrong model would only
/// show as nodes that die one after the other.</summary>
/// <remarks>The trial has a process of its own. In the web tier, a model and its runtime would take memory for as long as
/// the tier lives, and a model that crashes would end the tier.</remarks>
internal sealed class ModelTrial : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _trial;

    private ModelTrial(OnnxSettings? model) => _trial = model is null ? Task.CompletedTask : TryAsync(model, _stop.Token);

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
    public static ModelTrial Begin(ServiceSettings settings) => new(settings.HasEc2Fleet ? null : settings.Model);

    /// <summary>Waits for the end of the trial.</summary>
    /// <exception cref="ModelFailureException">The program refuses the model.</exception>
    /// <exception cref="InvalidSettingException">The model crashes its process.</exception>
    public Task EndAsync(CancellationToken cancellation) => _trial.WaitAsync(cancellation);

    /// <summary>Ends the trial.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _trial.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static async Task TryAsync(OnnxSettings model, CancellationToken cancellation)
    {
        var child = new IsolatedTrial(
            IsolatedClassifier.ChildOfThisProgram(), IsolatedTrial.LongestTrial, TimeProvider.System);
        string? defect;
        try
        {
            defect = await child.RunAsync(model, cancellation);
        }
        catch (UnusableModelException crash)
        {
            throw new InvalidSettingException(ModelDirectory.SettingKey, model.ModelFolder, crash.Message, crash);
        }

        if (defect is not null) throw new ModelFailureException(defect) { IsWrongUse = true };
    }
}
