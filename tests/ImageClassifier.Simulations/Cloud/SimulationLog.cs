using Akka.Actor;
using Akka.Event;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>The log of a simulation, in virtual time.</summary>
internal sealed class SimulationLog
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    public void Write(string line)
    {
        lock (_lock) _lines.Add(line);
    }

    /// <summary>Writes the log events of the actor system.</summary>
    public sealed class Writer : ReceiveActor
    {
        public Writer(SimulationLog log, DateTimeOffset start)
        {
            Context.System.EventStream.Subscribe(Self, typeof(LogEvent));
            Receive<LogEvent>(line =>
            {
                var at = (Context.System.Scheduler.Now - start).TotalSeconds;
                log.Write(FormattableString.Invariant(
                    $"{at,9:0.00} s {line.LogLevel(),-14} {line.LogSource} {line.Message} {line.Cause?.Message}"));
            });
        }
    }

    /// <summary>Replaces the logger that writes to the console.</summary>
    public sealed class Silence : ReceiveActor
    {
        public Silence()
        {
            Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
            ReceiveAny(_ => { });
        }
    }
}
