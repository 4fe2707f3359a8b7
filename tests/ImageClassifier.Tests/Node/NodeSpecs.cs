using ImageClassifier.Core;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

/// <summary>The environment of a node, in virtual time.</summary>
public abstract class NodeSpecs : VirtualTimeSpecs
{
    protected const int MaxReceives = 5;

    private static readonly QueueLeaseSettings Leases =
        new(TimeSpan.FromSeconds(30), MaxReceives, MaxLease: TimeSpan.FromMinutes(10));

    protected const string Dispatcher = "akka.actor.default-dispatcher";

    protected NodeSpecs(ITestOutputHelper output)
        : base(output)
    {
        Requests = new FakeMessageQueue(Time, Leases.MaxReceiveCount);
        Responses = new FakeMessageQueue(Time);
        Store = new InMemoryObjectStore(Time);
        Classifier = new FakeImageClassifier();
        Identity = new FakeInstanceIdentity();
    }

    protected FakeMessageQueue Requests { get; }

    protected FakeMessageQueue Responses { get; }

    protected InMemoryObjectStore Store { get; }

    protected FakeImageClassifier Classifier { get; }

    protected FakeIsolatedClassifier Isolated { get; } = new();

    /// <summary>The models of the registry.</summary>
    protected FakeModelSource Models { get; } = new();

    protected FakeInstanceIdentity Identity { get; }

    protected NodeSettings Settings { get; set; } = new(
        new PollingSettings(
            new QueueSourceSettings(
                WaitTime: TimeSpan.FromSeconds(5),
                Leases.Lease,
                Leases.MaxLease,
                MaxInFlight: 20,
                MinBackoff: TimeSpan.FromMilliseconds(200),
                MaxBackoff: TimeSpan.FromSeconds(30)),
            Linger: TimeSpan.FromMilliseconds(50),
            AcknowledgeLinger: TimeSpan.FromMilliseconds(50),
            Fetchers: 4,
            Decoders: 2,
            MaxReceives),
        new ClassificationSettings(new RunArrangement(1, 1, 4), Timeout: TimeSpan.FromSeconds(10), MaxFailures: 10),
        new TerminationSettings(MaxEmptyPolls: 3, MinLifetime: TimeSpan.Zero, CutOffLimit: TimeSpan.FromMinutes(10)),
        DrainTimeout: TimeSpan.FromSeconds(15),
        Records: new NodeRecordSettings(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30)),
        References: new ReferenceSettings(new ReferenceRules(new AddressRules([]), [])),
        Intake: new IntakeSettings(AllowedFormats.Default, MaxFileSize: 1 << 20));

    protected NodePorts Ports => new(new QueuePair(Requests, Responses), Store, Classifier, Isolated, Models, Identity);

    /// <summary>The sent results, in order.</summary>
    protected IReadOnlyList<JobResult> Published =>
        [.. Responses.All.SelectMany(message => ResultMessage.TryRead(message.Body)!)];

    /// <summary>Uploads a picture and sends its job, alone in its batch or with others of a batch.</summary>
    protected ClassificationRequest Upload(
        string word, int receivedBefore = 0, ModelReference? model = null, ModelReference? fallback = null,
        BatchId? ofBatch = null)
    {
        var request = Jobs.Request(ofBatch) with
        {
            Model = model,
            Fallback = fallback,
            SharesBatch = ofBatch is not null,
        };
        Store.Set(request.ImageKey!, word);
        Requests.Put(WireJson.Write(request), request.Job.Value, receivedBefore);
        return request;
    }

    protected JobResult? StoredResultOf(ClassificationRequest request) =>
        Store.DocumentAt<JobResult>(ObjectKeys.Result(request.Batch, request.Job));

    /// <summary>The sent result of a job; null if none was sent. All its repeats must be equal.</summary>
    protected JobResult? PublishedResultOf(ClassificationRequest request) =>
        Published.Where(result => result.Job == request.Job).DistinctBy(WireJson.Write).SingleOrDefault();

    protected bool IsDeleted(ClassificationRequest request) =>
        Requests.Deleted.Any(message => message.GroupId == request.Job.Value);

    protected override void AfterAll()
    {
        base.AfterAll();
        Identity.Dispose();
    }
}
