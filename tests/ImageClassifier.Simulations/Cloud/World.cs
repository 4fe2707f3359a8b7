using Akka.Actor;
using ImageClassifier.Node;
using ImageClassifier.Simulations.Time;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing.Fakes;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>What everything in a simulation shares: time, queues and store.</summary>
internal sealed class World
{
    public World(ActorSystem system, CloudSettings settings, NodeSettings nodeSettings, QueueSettings queues)
    {
        System = system;
        Settings = settings;
        NodeSettings = nodeSettings;
        Time = new SchedulerTimeProvider(system);
        Requests = new FakeMessageQueue(Time, queues.Requests.MaxReceiveCount)
        {
            CountsLag = settings.CountsLag,
            // On SQS an open poll cannot be cancelled.
            HonoursStopWaiting = false,
            // The queue counts when it answers, so the counts include everything sent until then.
            Before = call => call == QueueCall.Measure ? Task.Delay(settings.MeasureCall, Time) : Task.CompletedTask,
        };
        Responses = new FakeMessageQueue(Time, queues.Responses.MaxReceiveCount) { HonoursStopWaiting = false };
        Store = new InMemoryObjectStore(Time);
    }

    public ActorSystem System { get; }

    public CloudSettings Settings { get; }

    public NodeSettings NodeSettings { get; }

    public TimeProvider Time { get; }

    public FakeMessageQueue Requests { get; }

    public FakeMessageQueue Responses { get; }

    public InMemoryObjectStore Store { get; }

    public EventScheduler Scheduler => (EventScheduler)System.Scheduler;

    public DateTimeOffset Now => Scheduler.Now;

    /// <summary>Schedules an action.</summary>
    public void After(TimeSpan delay, Action action) => Scheduler.ScheduleOnce(delay, action);
}
