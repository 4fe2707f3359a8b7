using System.Diagnostics;
using ImageClassifier.Adapters.Aws.Identity;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Host.Logging;
using ImageClassifier.Host.Models;
using ImageClassifier.Node.Hosting;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verb <c>node</c>: an app node in its own host, as an instance of its fleet.</summary>
internal static class NodeHosting
{
    /// <summary>Runs an app node until it ends itself or is asked to stop.</summary>
    /// <param name="sources">The user's settings.</param>
    /// <param name="instance">The id that the fleet assigned; null on EC2, where the machine knows it.</param>
    /// <param name="parts">The replaceable parts of the node.</param>
    /// <param name="cancellation">Asks the node to stop.</param>
    public static async Task<int> RunAsync(
        SettingsSources sources, InstanceId? instance, NodeParts parts, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(sources);
        try
        {
            return await RunAsync(
                ServiceSettings.Load(ProgramRole.Node, sources), instance, parts, cancellation);
        }
        catch (Exception failure) when (instance is not null && !cancellation.IsCancellationRequested)
        {
            await StartProblem.LeaveAsync(config, instance.Value, failure);
            throw;
        }
    }

    private static async Task<int> RunAsync(
        ServiceSettings service, InstanceId? instance, NodeParts parts, CancellationToken cancellation)
    {
        var config = service.Config;
        using var environment = await TierEnvironment.OpenAsync(
            config, service.Node.Polling.Source.WaitTime, cancellation);
        environment.OpenQueues(makes: false);
        using var startLog = LoggerFactory.Create(logging => logging.AddStandardErrorLog());
        await using var life = environment.HasEc2Fleet
            ? await OnEc2Async(instance, startLog, cancellation)
            : await AsProcessAsync(environment, instance, cancellation);
        string? problem = null;
        var cacheFolder = Environment.GetEnvironmentVariable(ModelCache.ServiceVariable);
        using var model = ArrangedModel.Load(
            service, parts, KeptArrangements.Of(environment.Layout, cacheFolder, OnnxImageClassifier.RuntimeVersion),
            startLog.CreateLogger<ArrangedModel>(), Environment.ProcessorCount, cancellation);
        service = model.Service;
        var classifier = model.Classifier;
        using var isolated = Isolate(service.Model, service, classifier);

        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        life.AddLog(builder.Logging);
        environment.AddTo(builder.Services);
        builder.Services
            .AddSingleton(classifier)
            .AddSingleton<IIsolatedClassifier>(isolated)
            // The container disposes of it. It then waits for a load under way.
            .AddSingleton<IModelSource>(provider => new RegistryModels(
                provider.GetRequiredService<IObjectStore>(),
                ModelCache.Of(environment.Layout, cacheFolder),
                (folder, stop) => TryInChildAsync(service.Model with { ModelFolder = folder }, stop),
                folder => Load(service, parts, folder),
                wanted => InstalledModels.FindFolder(wanted, environment.Layout)))
            .AddSingleton(life.Identity)
            .AddActorSystem(config, ActorSystemHosting.NodeStop, akka => akka.WithAppNode(
                service.Node, parts.CreateClock, NodeFingerprint.Of(classifier.Model, config),
                model.IsMeasured || environment.HasEc2Fleet ? null : model.MeasureAsync, ended => problem = ended));

        using var host = builder.Build();
        await host.RunAsync(cancellation);
        if (problem is null) return ExitCodes.Done;
        // The process fleet reads it there. The node's record also has it, but the store may be the cause of the
        // refusal.
        await Console.Error.WriteLineAsync(problem);
        return ExitCodes.SomeFailed;
    }

    private static Task TryInChildAsync(OnnxSettings model, CancellationToken cancellation)
    {
        var trial = new IsolatedTrial(
            IsolatedClassifier.ChildOfThisProgram(), IsolatedTrial.LongestTrial, TimeProvider.System);
        return trial.RunAsync(model, cancellation);
    }

    private static LoadedModel Load(ServiceSettings service, NodeParts parts, string folder)
    {
        var model = service.Model with { ModelFolder = folder };
        var classifier = parts.LoadClassifier(model, null);
        FreedMemory.Return();
        return new LoadedModel(classifier, Isolate(model, service, classifier));
    }

    private static IsolatedClassifier Isolate(OnnxSettings model, ServiceSettings service, IImageClassifier classifier)
    {
        // The child limits its own work. This limit is for a child that hangs, and covers all the child's limits and
        // its start.
        var limit = model.Decoding.Timeout + service.Node.Classification.Timeout;
        return new IsolatedClassifier(
            IsolatedClassifier.ChildOfThisProgram(), model, classifier.Model, limit, TimeProvider.System);
    }

    private static async Task<InstanceLife> AsProcessAsync(
        TierEnvironment environment, InstanceId? instance, CancellationToken cancellation)
    {
        var layout = environment.Layout!;
        var id = instance ?? throw new InvalidSettingException(
            StartProblem.InstanceOption, null, "a node on this machine needs the id that its fleet assigned");
        var identity = await ProcessInstanceIdentity.StartAsync(layout, id, time: null, cancellation);
        identity.TerminateRequested.Register(Process.GetCurrentProcess().Kill);
        return new InstanceLife(identity, identity, logging => logging.AddInstanceLog(layout.DataFolder, id));
    }

    private static async Task<InstanceLife> OnEc2Async(
        InstanceId? instance, ILoggerFactory log, CancellationToken cancellation)
    {
        var identity = await Ec2InstanceIdentity.StartAsync(
            new SystemShutdown(), log.CreateLogger<Ec2InstanceIdentity>(), endpoint: null, time: null, cancellation);
        if (instance is { } named && named != identity.Id)
        {
            await identity.DisposeAsync();
            throw new InvalidSettingException(
                StartProblem.InstanceOption, named.Value, $"this machine is {identity.Id}");
        }

        // The log of the machine receives standard error.
        return new InstanceLife(identity, identity, logging => logging.AddStandardErrorLog());
    }

    private sealed record InstanceLife(
        IInstanceIdentity Identity, IAsyncDisposable Owned, Action<ILoggingBuilder> AddLog) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Owned.DisposeAsync();
    }
}
