using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web;

/// <summary>The surroundings of the web tier, in virtual time.</summary>
public abstract class WebSpecs : VirtualTimeSpecs
{
    protected WebSpecs(ITestOutputHelper output)
        : base(output)
    {
        Requests = new FakeMessageQueue(Time);
        Responses = new FakeMessageQueue(Time, maxReceives: 3);
        Store = new InMemoryObjectStore(Time);
    }

    protected FakeMessageQueue Requests { get; }

    protected FakeMessageQueue Responses { get; }

    protected InMemoryObjectStore Store { get; }

    protected static UploadSettings Uploading { get; } = new(
        Formats: AllowedFormats.Default,
        MaxRequestSize: 1 << 20,
        MaxFileSize: 1 << 16,
        MinRate: 240,
        MaxFiles: 100,
        MaxConcurrent: 2,
        MaxWaiting: 1,
        RetryAfter: TimeSpan.FromSeconds(2),
        AbandonedAfter: TimeSpan.FromMinutes(15),
        SweepInterval: TimeSpan.FromMinutes(1),
        Outbox: new OutboxSettings(
            Parallelism: 2, MaxInMemory: 1000, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30)));

    protected static ResultSettings Showing { get; } = new(
        MaxLiveJobs: 1000,
        PassivateAfter: TimeSpan.FromMinutes(2),
        MaxWaitingRequests: 10,
        WaitLimit: TimeSpan.FromSeconds(50),
        MaxReads: 10,
        MaxSubscribers: 10,
        Heartbeat: TimeSpan.FromSeconds(15),
        SendTimeout: TimeSpan.FromSeconds(20),
        ListenerLinger: TimeSpan.FromMilliseconds(50));

    /// <summary>No client may ask for callbacks.</summary>
    private protected static CallbackRequests Callbacks { get; } = new(new CallbackSettings(
        CallbackSecrets.Create(new SettingsSection(ConfigurationFactory.ParseString("a = 1"), "none")), new AddressRules([])));

    /// <summary>Public addresses and the bucket "photos" are allowed.</summary>
    protected static ReferenceSettings References { get; } =
        new(new ReferenceRules(new AddressRules([]), ["photos"]));

    /// <summary>Answers no repeats.</summary>
    protected RepeatAnswers NoRepeats =>
        new(Store, ActorRefs.Nobody, RepeatSharing.Off, new KnownModels(null, null), Time);

    /// <summary>Finds no repeats.</summary>
    private protected RepeatFinder FindsNoRepeats
    {
        get
        {
            var index = new RepeatIndex(RepeatSharing.Off);
            var records = new RepeatRecords(Store, index, Time, NullLogger<RepeatRecords>.Instance);
            return new RepeatFinder(RepeatSharing.Off, new KnownModels(null, null), index, records);
        }
    }

    protected static LostJobSettings Losing { get; } = new(TimeSpan.FromMinutes(15), BatchesASweep: 100);

    /// <summary>Moves time on until a call is done.</summary>
    protected async Task<T> CompletedAsync<T>(Task<T> call)
    {
        await AdvanceUntilAsync(() => call.IsCompleted, "the call is done", TimeSpan.FromSeconds(1));
        return await call;
    }

    /// <summary>A batch of accepted pictures that is not stored yet.</summary>
    protected BatchManifest NewBatch(int pictures)
    {
        var batch = BatchId.New();
        return new BatchManifest(batch, Time.GetUtcNow(), [.. Enumerable.Range(0, pictures).Select(i =>
        {
            var job = JobId.New();
            return ManifestJob.Accept(job, $"{i}.jpg", ObjectKeys.Image(batch, job, PictureFormat.Jpeg));
        })]);
    }

    /// <summary>Stores an accepted batch.</summary>
    protected BatchManifest StoredBatch(int pictures)
    {
        var manifest = NewBatch(pictures);
        StoreUpload(manifest);
        Store.Set(ObjectKeys.Manifest(manifest.Batch), WireJson.Write(manifest));
        return manifest;
    }

    /// <summary>Stores the marker and the pictures of an upload without a manifest.</summary>
    protected void StoreUpload(BatchManifest manifest, bool isMarked = true)
    {
        if (isMarked) Store.Set(ObjectKeys.OpenMarker(manifest.Batch), "");
        foreach (var job in manifest.Accepted) Store.Set(job.ImageKey!, job.FileName);
    }

    /// <summary>The batch's objects in the store.</summary>
    protected IEnumerable<string> KeysOf(BatchId batch) =>
        Store.Keys.Where(key => key.Contains(batch.Value, StringComparison.Ordinal));

    protected static JobResult ResultOf(BatchManifest manifest, int picture, string label = "cat") =>
        Jobs.Classified(Jobs.Request(manifest.Batch, manifest.Jobs[picture].Job), label);

    /// <summary>Whether sweeps still visit the batch.</summary>
    protected bool IsOpen(BatchManifest manifest) => Store.Keys.Any(key =>
        key.StartsWith(ObjectKeys.OpenMarker(manifest.Batch), StringComparison.Ordinal));

    protected void StoreResult(JobResult result) =>
        Store.Set(ObjectKeys.Result(result.Batch, result.Job), WireJson.Write(result));

    /// <summary>Starts the parent of live batches.</summary>
    protected IActorRef StartBatches(
        ResultSettings? settings = null, IActorRef? callbackActor = null, IActorRef? repeatsActor = null)
    {
        var callbacks = callbackActor ?? ActorRefs.Nobody;
        var repeats = repeatsActor ?? ActorRefs.Nobody;
        var showing = settings ?? Showing;
        var liveJobs = Sys.ActorOf(Props.Create(() => new LiveJobsActor(showing.MaxLiveJobs)));
        return Sys.ActorOf(Props.Create(() => new BatchesActor(Store, liveJobs, callbacks, repeats, showing)));
    }

    /// <summary>Asks an actor, without a time-out in virtual time.</summary>
    protected async Task<T> AskAsync<T>(IActorRef actor, object question)
    {
        var asker = CreateTestProbe();
        actor.Tell(question, asker);
        return await asker.ExpectMsgAsync<T>();
    }

    /// <summary>Whether a probe has received nothing so far.</summary>
    protected static async Task<bool> HeardNothingAsync(TestProbe probe)
    {
        await SettleAsync();
        return !probe.HasMessages;
    }
}
