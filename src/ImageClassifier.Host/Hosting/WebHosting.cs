using System.Net.Sockets;
using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Retention;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Logging;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Supervision;
using ProcessFleetSettings = ImageClassifier.Adapters.Embedded.Fleet.ProcessFleetSettings;

namespace ImageClassifier.Host.Hosting;

/// <summary>The verb <c>web</c>: the web tier in its host.</summary>
internal static class WebHosting
{
    private static readonly string PageFolder = Path.Combine(AppContext.BaseDirectory, "page");

    /// <summary>Runs the web tier until it is asked to stop.</summary>
    public static async Task<int> RunAsync(SettingsSources sources, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(ProgramRole.Web, sources);
        var listen = ListenSettings.Create(config);
        var tier = WebTierSettings.Create(config);
        var embedded = EmbeddedSettings.Create(config);
        CheckModel(config);

        var layout = EmbeddedEnvironment.CreateLayout(embedded);
        using var only = ExclusiveFileLock.TryTake(layout.WebLock) ?? throw new InvalidSettingException(
            EmbeddedSettings.DataKey, layout.DataFolder, "another web tier uses this folder now");

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(WebHosting).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrel();
        builder.WebHost.UseUrls([.. listen.Urls]);
        builder.Logging.AddStandardErrorLog();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // A failed start is said in one line at the end, not as a stack trace before it.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services
            .AddEmbeddedEnvironment(config, layout)
            .AddProcessFleet(config, layout, sources)
            .AddRetention(layout, embedded)
            .AddActorSystem(config, akka => akka.WithWebTier(tier))
            .AddWebTier(tier, listen.ShutdownTimeout);

        await using var app = builder.Build();
        app.UseWebTier(PageFolder);
        await StartAsync(app, listen, cancellation);
        await app.WaitForShutdownAsync(cancellation);
        return ExitCodes.Done;
    }

    private static async Task StartAsync(WebApplication app, ListenSettings listen, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (Exception failure)
        {
            // What has started by then stops in order.
            await app.StopAsync(CancellationToken.None);
            if (failure is not IOException && failure is not SocketException) throw;
            throw new InvalidSettingException(
                ListenSettings.UrlsKey, string.Join(';', listen.Urls), $"the server cannot listen there: {failure.Message}",
                failure);
        }
    }

    /// <summary>A missing model would only show in the nodes' logs, as one failed launch after the other.</summary>
    private static void CheckModel(Config config) => OnnxSettings.Create(config);

    private static IServiceCollection AddProcessFleet(
        this IServiceCollection services, Config config, EmbeddedLayout layout, SettingsSources sources)
    {
        FleetSettings.Create(config);
        var limits = Configuration.ProcessFleetSettings.Create(config);
        var settings = new ProcessFleetSettings(
            NodeCommand.OfThisProgram(sources.ToArguments()), limits.BootTimeout, limits.DrainTimeout);
        return services
            .AddSingleton(provider => new ProcessFleet(
                layout, settings, provider.GetRequiredService<ILogger<ProcessFleet>>()))
            .AddSingleton<IInstanceFleet>(provider => provider.GetRequiredService<ProcessFleet>())
            .AddHostedService<ProcessFleetService>();
    }

    private static IServiceCollection AddRetention(
        this IServiceCollection services, EmbeddedLayout layout, EmbeddedSettings embedded) =>
        services.AddHostedService(provider => new RetentionService(
            new EmbeddedRetention(layout, new RetentionSettings(embedded.Retention),
                provider.GetRequiredService<ILogger<EmbeddedRetention>>()),
            embedded.RetentionInterval,
            TimeProvider.System,
            provider.GetRequiredService<ILogger<RetentionService>>()));
}
