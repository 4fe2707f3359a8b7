using Akka.Actor;
using ImageClassifier.Node;
using ImageClassifier.Simulations.Time;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing.Fakes;

namespace ImageClassifier.Simulations.Cloud;

/// <summary>What all in a simulation share: time, queues and store.</summary>
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
            // On SQS a poll under way is not broken off.
            HonoursStopWaiting = false,
            // It counts when it answers, so that it sees all that is sent at once.
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

    /// <summary>Has something happen later.</summary>
    public void After(TimeSpan delay, Action action) => Scheduler.ScheduleOnce(delay, action);
}
