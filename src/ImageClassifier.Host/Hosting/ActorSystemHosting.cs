using Akka.Configuration;
using Akka.Hosting;
using ImageClassifier.Host.Logging;
using ImageClassifier.Web.Cluster;

namespace ImageClassifier.Host.Hosting;

/// <summary>The actor system in a host.</summary>
internal static class ActorSystemHosting
{
    /// <summary>The longest time that a stopping node takes; everything that drains has less.</summary>
    public static readonly TimeSpan NodeStop = TimeSpan.FromSeconds(30);

    /// <summary>The longest time that a stopping web tier takes: for requests under way and their cleaning up, and after
    /// them for the responses in hand. Machines are shut down after 45 s (systemd, containers).</summary>
    public static readonly TimeSpan WebStop = TimeSpan.FromSeconds(40);

    private const string Name = WebClusterExtensions.SystemName;

    /// <summary>Adds the actor system with its settings, logging through the host's log.</summary>
    /// <param name="services">The host's.</param>
    /// <param name="config">All settings.</param>
    /// <param name="longestStop">After this time the host stops, whether or not all has come to its end.</param>
    /// <param name="configure">Puts a tier into it.</param>
    public static IServiceCollection AddActorSystem(
        this IServiceCollection services,
        Config config,
        TimeSpan longestStop,
        Action<AkkaConfigurationBuilder> configure) =>
        services
            .Configure<HostOptions>(host => host.ShutdownTimeout = longestStop)
            .AddAkka(Name, akka =>
            {
                akka.AddHocon(config, HoconAddMode.Prepend);
                akka.ConfigureLoggers(loggers =>
                {
                    loggers.LogLevel = Akka.Event.Logging.LogLevelFor(config.GetString("akka.loglevel"));
                    // Akka.Hosting's own logger logs all actors under one name, with times and paths in the message.
                    loggers.AddLoggerFactory();
                    loggers.ClearLoggers();
                    loggers.AddLogger<HostLogActor>();
                });
                configure(akka);
            });
}
