using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Classify;
using ImageClassifier.Host.CommandLine.Models;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Host.CommandLine.Simulate;
using ImageClassifier.Host.CommandLine.Train;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Simulator;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verbs with the real adapters.</summary>
/// <param name="parts">The parts of a node.</param>
internal sealed class Verbs(NodeParts parts) : IVerbs
{
    public async Task<int> WebAsync(WebOptions options, CancellationToken cancellation) =>
        await WebHosting.RunAsync(await CompleteAsync(options.Settings, cancellation), cancellation);

    public async Task<int> NodeAsync(NodeOptions options, CancellationToken cancellation) =>
        await NodeHosting.RunAsync(
            await CompleteAsync(options.Settings, cancellation), options.Instance, parts, cancellation);

    public Task<int> IsolatedClassifierAsync() =>
        new IsolatedClassifierVerb(parts.LoadInBackground)
            .RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput());

    public async Task<int> AwsProvisionAsync(AwsProvisionOptions options, CancellationToken cancellation) =>
        await AwsVerbs.ProvisionAsync(
            options with { Settings = await CompleteAsync(options.Settings, cancellation) }, cancellation);

    public async Task<int> AwsCheckAsync(AwsCheckOptions options, CancellationToken cancellation) =>
        await AwsVerbs.CheckAsync(
            options with { Settings = await CompleteAsync(options.Settings, cancellation) }, cancellation);

    public async Task<int> QueueAsync(QueueOptions options, CancellationToken cancellation)
    {
        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellation);
        int? width = Console.IsOutputRedirected ? null : Console.WindowWidth;
        try
        {
            options = options with { Settings = await CompleteAsync(options.Settings, stop.Token) };
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
        options = options with { Settings = await CompleteAsync(options.Settings, stop.Token) };
        var verb = new ClassifyVerb(
            config => parts.LoadClassifier(OnnxSettings.Create(config), null), Console.Out, width);
        return await verb.RunAsync(options, stop.Token);
    }

    public async Task<int> SendAsync(SendOptions options, CancellationToken cancellation)
    {
        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellation);
        // Bars would mix with the lines of JSON on one terminal.
        var hasBars = !Console.IsErrorRedirected && !(options.Json && !Console.IsOutputRedirected);
        var streams = new SendStreams(
            Console.In, Console.Out, Console.Error, Console.IsOutputRedirected ? null : Console.WindowWidth,
            hasBars ? Console.Error : null);
        using var handler = ServiceClient.CreateHandler();
        var verb = new SendVerb(
            streams, handler, SendLimits.Default, SendVerb.DefaultStateFolder, TimeProvider.System);
        return await verb.RunAsync(options, stop.Token);
    }

    public async Task<int> ModelsCheckAsync(ModelsCheckOptions options, CancellationToken cancellation)
    {
        options = options with { Settings = await CompleteAsync(options.Settings, cancellation) };
        return new ModelsCheckVerb(Console.Out).Run(options);
    }

    public Task<int> TrainAsync(TrainOptions options, CancellationToken cancellation) =>
        UntilStoppedAsync(
            async (width, progress, stop) =>
            {
                options = options with { Settings = await CompleteAsync(options.Settings, stop) };
                return await new TrainVerb(Console.Out, width, progress).RunAsync(options, stop);
            },
            "Interrupted. No model was written.",
            cancellation);

    public Task<int> SimulateAsync(SimulateOptions options, CancellationToken cancellation) =>
        UntilStoppedAsync(
            async (width, progress, stop) =>
            {
                options = options with { Settings = await CompleteAsync(options.Settings, stop) };
                try
                {
                    return await new SimulateVerb(Console.Out, width, progress).RunAsync(options, stop);
                }
                catch (SimulationStuckException stuck)
                {
                    await Console.Error.WriteLineAsync(stuck.Message);
                    return ExitCodes.SomeFailed;
                }
            },
            "Interrupted.",
            cancellation);

    public Task<int> ModelsAsync(ModelsOptions options, CancellationToken cancellation) =>
        UntilStoppedAsync(
            async (width, progress, stop) =>
            {
                options = options with { Settings = await CompleteAsync(options.Settings, stop) };
                return await ModelsHosting.RunAsync(options, Console.Out, width, progress, stop);
            },
            ModelsHosting.InterruptedMessage(options),
            cancellation);

    public Task<int> KeyAsync(KeyOptions options, CancellationToken cancellation)
    {
        NewKey.For(options.Name).Print(Console.Out, options.Json);
        return Task.FromResult(ExitCodes.Done);
    }

    /// <summary>Runs a verb that shows its progress. A signal or the token stops it.</summary>
    /// <param name="run">Runs the verb: the width of the terminal and where progress goes, null if redirected.</param>
    /// <param name="interrupted">The message after a stop.</param>
    /// <param name="cancellation">Stops the verb.</param>
    private static async Task<int> UntilStoppedAsync(
        Func<int?, TextWriter?, CancellationToken, Task<int>> run, string interrupted, CancellationToken cancellation)
    {
        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token, cancellation);
        int? width = Console.IsOutputRedirected ? null : Console.WindowWidth;
        var progress = Console.IsErrorRedirected ? null : Console.Error;
        try
        {
            return await run(width, progress, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync(interrupted);
            return ExitCodes.SomeFailed;
        }
    }

    private static Task<SettingsSources> CompleteAsync(SettingsSources sources, CancellationToken cancellation) =>
        ParameterSettings.FetchAsync(sources, SettingsParameter.ReadAsync, cancellation);
}
