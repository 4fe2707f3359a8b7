using System.Net.Sockets;
using Akka.Actor;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Logging;
using ImageClassifier.Web.Hosting;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Http.Connections;
using ImageClassifier.Web.Models;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verb <c>web</c>: the web tier in its own host.</summary>
internal static class WebHosting
{
    private static readonly string PageFolder = Path.Combine(AppContext.BaseDirectory, "page");

    /// <summary>Runs the web tier until it is asked to stop.</summary>
    public static async Task<int> RunAsync(SettingsSources sources, CancellationToken cancellation)
    {
        var settings = ServiceSettings.Load(ProgramRole.Web, sources);
        var (config, listen) = (settings.Config, settings.Listen);
        var budget = ConnectionBudget.Of(OpenFileLimit.OfThisProcess(), settings.Web, ChildProcesses(settings));
        var tier = budget.Limit(settings.Web);
        await using var model = ModelTrial.Begin(settings);
        using var environment = await TierEnvironment.OpenAsync(config, tier.Listening.WaitTime, cancellation);
        // With several web nodes, the scaler takes the lock on its own node.
        using var only = environment.Layout is { } layout && !tier.Cluster.IsEnabled ? LockFolder(layout) : null;
        environment.OpenQueues(makes: true);
        var cluster = await ClusterHosting.OpenAsync(settings, environment, cancellation);
        // The web tier does not know the files of machines on EC2.
        var ofNodes = settings.HasEc2Fleet ? null : ModelDirectory.Load(settings.Model.ModelFolder).Identity;
        var fingerprint = ofNodes is null ? null : NodeFingerprint.Of(ofNodes, ProgramSettings.Load(sources));
        tier = tier with
        {
            Scaling = tier.Scaling with { Fingerprint = fingerprint },
            Models = new KnownModels(ofNodes, BuiltInModel.FindSha256(settings.Model.ModelFolder, ofNodes)),
        };

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(WebHosting).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrel();
        builder.WebHost.UseUrls([.. listen.Urls]);
        builder.Logging.AddStandardErrorLog();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // The scope of its lines contains the path, and so the batch id, which is the right to read the batch.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        // A line for each refused connection would help an attacker who floods the service.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Connections", LogLevel.Error);
        // A failed start is one line at the end, without a stack trace. Later, only the host logs why it stops.
        var hasStarted = false;
        builder.Logging.AddFilter(
            "Microsoft.Extensions.Hosting.Internal.Host",
            level => level >= LogLevel.Warning && Volatile.Read(ref hasStarted));
        environment.AddTo(builder.Services);
        builder.Services.AddFleet(environment, config, sources, tier.Cluster);
        builder.Services
            .AddActorSystem(config, ActorSystemHosting.WebStop, akka =>
            {
                cluster.AddTo(akka);
                akka.WithWebTier(tier);
            })
            .AddWebTier(tier, listen.ShutdownTimeout);

        // Before the actors start and anyone can upload.
        await model.EndAsync(cancellation);
        await using var app = builder.Build();
        app.UseWebTier(PageFolder);
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(WebHosting));
        if (fingerprint is not null)
        {
            var isTierRunning = tier.Cluster.IsEnabled && WebNodeLock.IsAnyHeld(environment.Layout!);
            await DrainOutdatedNodesAsync(app.Services, fingerprint, isTierRunning, cancellation);
        }

        if (!await StartAsync(app, listen, cancellation)) return ExitCodes.Done;
        Volatile.Write(ref hasStarted, true);
        if (budget.Warning is { } warning) log.LogWarning("{Warning}", warning);
        if (tier.Access.Keys.IsEmpty && !listen.IsLoopbackOnly)
        {
            log.LogWarning("No key is set (image-classifier.access.keys), so everyone who reaches {Urls} may upload",
                string.Join(';', listen.Urls));
        }

        var shutdown = CoordinatedShutdown.Get(app.Services.GetRequiredService<ActorSystem>());
        await app.WaitForShutdownAsync(cancellation);
        return ClusterHosting.ExitCodeAfter(shutdown);
    }

    private static int ChildProcesses(ServiceSettings settings) =>
        settings.HasEc2Fleet ? 0 : settings.Web.Scaling.MaxInstances;

    /// <summary>Before the first upload, so that one model answers each new batch.</summary>
    private static Task DrainOutdatedNodesAsync(
        IServiceProvider services, string fingerprint, bool isTierRunning, CancellationToken cancellation) =>
        new OutdatedNodes(
                services.GetRequiredService<ProcessFleet>(), services.GetRequiredService<IObjectStore>(), fingerprint,
                isTierRunning, services.GetRequiredService<ILogger<OutdatedNodes>>(), TimeProvider.System)
            .DrainAsync(cancellation);

    private static ExclusiveFileLock LockFolder(EmbeddedLayout layout) =>
        ExclusiveFileLock.TryTake(layout.WebLock) ?? throw new InvalidSettingException(
            EmbeddedLayout.DataFolderKey, layout.DataFolder, "another web tier uses this folder now");

    /// <returns>False if it was asked to stop before it had started. It has then stopped.</returns>
    private static async Task<bool> StartAsync(WebApplication app, ListenSettings listen, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
            return true;
        }
        catch (Exception failure)
        {
            // The parts that have started by then stop in order.
            await app.StopAsync(CancellationToken.None);
            var isAsked = app.Lifetime.ApplicationStopping.IsCancellationRequested;
            if (failure is OperationCanceledException && isAsked) return false;
            if (failure is not IOException && failure is not SocketException) throw;
            throw new InvalidSettingException(
                ListenSettings.UrlsKey, string.Join(';', listen.Urls), $"the server cannot listen there: {failure.Message}",
                failure);
        }
    }
}
