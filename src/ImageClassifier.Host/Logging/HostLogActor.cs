using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Akka.Hosting.Logging;
using AkkaLevel = Akka.Event.LogLevel;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace ImageClassifier.Host.Logging;

/// <summary>Passes the log events of actors to the host's log, in the category of the actor's class. The host's log
/// adds time and level, so the text is only the message.</summary>
public sealed class HostLogActor : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private readonly ILoggerFactory _factory = Context.System.Settings.Setup.Get<LoggerFactorySetup>() is { HasValue: true } setup
        ? setup.Value.LoggerFactory
        : throw new InvalidOperationException("The actor system was set up without the host's log.");

    /// <summary>Called by the actor system.</summary>
    public HostLogActor()
    {
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(Pass);
    }

    private void Pass(LogEvent logEvent)
    {
        var level = logEvent.LogLevel() switch
        {
            AkkaLevel.DebugLevel => LogLevel.Debug,
            AkkaLevel.InfoLevel => LogLevel.Information,
            AkkaLevel.WarningLevel => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        _factory.CreateLogger(CategoryOf(logEvent))
            .Log(level, logEvent.Cause, "{Message}", logEvent.Message);
    }

    // A logger that was created with a text as its name has String as its class, and Akka adds the system's address to
    // the text. A nested class logs as its outermost class.
    private static string CategoryOf(LogEvent logEvent)
    {
        if (logEvent.LogClass is not { } logClass
            || logClass == typeof(string) || logClass == typeof(DummyClassForStringSources))
            return logEvent.LogSource.Split("(akka:", 2)[0];
        while (logClass.DeclaringType is { } outer) logClass = outer;
        return logClass.FullName ?? logClass.Name;
    }
}
