using Akka.Configuration;
using Akka.Hosting;
using ImageClassifier.Host.Logging;
using ImageClassifier.Web.Cluster;

namespace ImageClassifier.Host.Hosting;

/// <summary>Adds the actor system to a host.</summary>
internal static class ActorSystemHosting
{
    /// <summary>The longest time in which a node stops. All drains are shorter.</summary>
    public static readonly TimeSpan NodeStop = TimeSpan.FromSeconds(30);

    /// <summary>The longest time in which a web tier stops: first for running requests and their clean-up, then for the
    /// responses in hand. systemd and containers kill the program after 45 s.</summary>
    public static readonly TimeSpan WebStop = TimeSpan.FromSeconds(40);

    private const string Name = WebClusterExtensions.SystemName;

    /// <summary>Adds the actor system with its settings, logging through the host's log.</summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="config">All settings.</param>
    /// <param name="longestStop">The host stops after this time, even if the actors have not.</param>
    /// <param name="configure">Adds the actors of a tier.</param>
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
