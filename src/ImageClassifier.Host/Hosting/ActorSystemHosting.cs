using Akka.Configuration;
using Akka.Hosting;
using ImageClassifier.Host.Logging;

namespace ImageClassifier.Host.Hosting;

/// <summary>The actor system in a host.</summary>
internal static class ActorSystemHosting
{
    /// <summary>The longest time that a stopping program takes; everything that drains has less.</summary>
    public static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(30);

    private const string Name = "image-classifier";

    /// <summary>Adds the actor system with its settings, logging through the host's log.</summary>
    public static IServiceCollection AddActorSystem(
        this IServiceCollection services, Config config, Action<AkkaConfigurationBuilder> configure) =>
        services
            .Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout)
            .AddAkka(Name, akka =>
            {
                akka.AddHocon(config, HoconAddMode.Prepend);
                akka.ConfigureLoggers(loggers =>
                {
                    loggers.LogLevel = Akka.Event.Logging.LogLevelFor(config.GetString("akka.loglevel"));
                    loggers.AddLoggerFactory();
                    loggers.ClearLoggers();
                    loggers.AddLogger<HostLogActor>();
                });
                configure(akka);
            });
}
