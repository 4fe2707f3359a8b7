using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Fleet;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Retention;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Host.Hosting;

/// <summary>The fleet of the web tier.</summary>
internal static class FleetHosting
{
    // Retention is counted in days, so another hour does not matter.
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromHours(1);

    /// <summary>Adds <see cref="IInstanceFleet"/>.</summary>
    public static void AddFleet(
        this IServiceCollection services, TierEnvironment environment, Config config, SettingsSources sources,
        ClusterSettings cluster)
    {
        if (environment.HasEc2Fleet)
        {
            var settings = AwsConfiguration.CreateEc2Fleet(config);
            services.AddSingleton<IInstanceFleet>(provider => new Ec2InstanceFleet(
                environment.Aws!.Clients.Ec2(), settings, provider.GetRequiredService<ILogger<Ec2InstanceFleet>>()));
            return;
        }

        services.AddProcessFleet(environment, sources, cluster);
        services.AddRetention(environment.Layout!, EmbeddedSettings.Create(config));
    }

    private static void AddProcessFleet(
        this IServiceCollection services, TierEnvironment environment, SettingsSources sources, ClusterSettings cluster)
    {
        var settings = new ProcessFleetSettings(
            NodeCommand.OfThisProgram(sources.ToArguments()) with { OnAws = environment.Aws is not null });
        services
            .AddSingleton(provider => new ProcessFleet(
                environment.Layout!, settings, provider.GetRequiredService<ILogger<ProcessFleet>>()))
            .AddSingleton<IInstanceFleet>(provider => provider.GetRequiredService<ProcessFleet>())
            .AddHostedService(provider => new ProcessFleetService(
                provider.GetRequiredService<ProcessFleet>(), cluster.IsEnabled ? environment.Layout : null,
                provider.GetRequiredService<IHostApplicationLifetime>()));
        if (cluster.IsEnabled) services.AddSingleton<IScalerLock>(new FleetLock(environment.Layout!));
    }

    private static void AddRetention(
        this IServiceCollection services, EmbeddedLayout layout, EmbeddedSettings embedded) =>
        services.AddHostedService(provider => new RetentionService(
            new EmbeddedRetention(layout, new RetentionSettings(embedded.Retention),
                provider.GetRequiredService<ILogger<EmbeddedRetention>>()),
            RetentionInterval,
            TimeProvider.System,
            provider.GetRequiredService<ILogger<RetentionService>>()));
}
