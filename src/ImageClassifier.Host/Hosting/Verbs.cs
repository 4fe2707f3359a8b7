using Akka.Configuration;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Classify;
using ImageClassifier.Host.CommandLine.Simulate;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Simulator.Engine;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verbs with the real adapters behind them.</summary>
/// <param name="decorators">Put around some of their parts; null: nothing.</param>
internal sealed class Verbs(Decorators? decorators = null) : IVerbs
{
    private readonly Decorators _decorators = decorators ?? Decorators.None;

    public Task<int> WebAsync(WebOptions options, CancellationToken cancellation) =>
        WebHosting.RunAsync(options.Settings, cancellation);

    public Task<int> NodeAsync(NodeOptions options, CancellationToken cancellation) =>
        NodeHosting.RunAsync(options.Settings, options.Instance, _decorators, cancellation);

    public Task<int> IsolatedClassifierAsync() =>
        new IsolatedClassifierVerb(settings => _decorators.Classifier(
            OnnxImageClassifier.LoadInBackground(AdapterSettings(settings))))
            .RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput());

    public Task<int> AwsProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation) =>
        AwsVerbs.ProvisionAsync(options, cancellation);

    public Task<int> AwsCheckAsync(AwsCheckOptions options, CancellationToken cancellation) =>
        AwsVerbs.CheckAsync(options, cancellation);

    public async Task<int> QueueAsync(QueueOptions options, CancellationToken cancellation)
    {
        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellation);
        int? width = Console.IsOutputRedirected ? null : Console.WindowWidth;
        try
        {
            return await QueueHosting.RunAsync(options, Console.Out, width, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCodes.SomeFailed;
        }
    }

    public async Task<int> ClassifyAsync(ClassifyOptions options, CancellationToken cancellation)
    {
        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellation);
        int? width = Console.IsOutputRedirected ? null : Console.WindowWidth;
        return await new ClassifyVerb(CreateClassifier, Console.Out, width).RunAsync(options, stop.Token);
    }

    public async Task<int> SimulateAsync(SimulateOptions options, CancellationToken cancellation)
    {
        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellation);
        int? width = Console.IsOutputRedirected ? null : Console.WindowWidth;
        var progress = Console.IsErrorRedirected ? null : Console.Error;
        try
        {
            return await new SimulateVerb(Console.Out, width, progress).RunAsync(options, stop.Token);
        }
        catch (SimulationStuckException stuck)
        {
            await Console.Error.WriteLineAsync(stuck.Message);
            return ExitCodes.SomeFailed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCodes.SomeFailed;
        }
    }

    public Task<int> KeyAsync(KeyOptions options, CancellationToken cancellation)
    {
        NewKey.For(options.Name).Print(Console.Out, options.Json);
        return Task.FromResult(ExitCodes.Done);
    }

    /// <summary>The classifier that the settings describe.</summary>
    public static IImageClassifier CreateClassifier(OnnxSettings settings) =>
        OnnxImageClassifier.Load(AdapterSettings(settings));

    private static IImageClassifier CreateClassifier(Config config) => CreateClassifier(OnnxSettings.Create(config));

    private static OnnxClassifierSettings AdapterSettings(OnnxSettings settings) =>
        new(settings.ModelFolder, settings.MaxBatch, settings.Threads, settings.Decoding);
}
