using Akka.Actor;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Supervision;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;
using static ImageClassifier.Web.Supervision.WebSupervisorProtocol;
using static ImageClassifier.Web.Uploads.UploadProtocol;

namespace ImageClassifier.Tests.Web.Supervision;

public sealed class WebSupervisorActorSpecs : WebSpecs
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeInstanceFleet _fleet;

    public WebSupervisorActorSpecs(ITestOutputHelper output)
        : base(output) => _fleet = new FakeInstanceFleet(Time);

    [Fact]
    public async Task An_upload_passes_through_the_whole_tier()
    {
        var tier = Start();
        var manifest = NewBatch(12);
        StoreUpload(manifest);
        await AskAsync<Committed>(tier, new Commit(manifest));
        await UntilAsync(() => Requests.All.Count == 12, "the messages are sent");
        await AdvanceUntilAsync(() => _fleet.Living.Count == 12, "instances are launched", Second / 2);
        Assert.Equal(12, (await AskAsync<FleetStatus>(tier, GetFleet.Instance)).Waiting);

        for (var i = 0; i < 12; i++)
        {
            StoreResult(ResultOf(manifest, i));
            Responses.Put(WireJson.Write(ResultOf(manifest, i)));
        }

        await AdvanceUntilAsync(() => Responses.Deleted.Count == 12, "the results are taken");
        Assert.True((await AskAsync<EventPage>(
            tier, new ReadEvents(manifest.Batch, null, TimeSpan.Zero))).Finished);
        await UntilAsync(() => !IsOpen(manifest), "the batch is closed");
    }

    [Fact]
    public async Task It_drains_and_answers_every_request_to_drain()
    {
        var tier = Start();
        await UntilAsync(() => Responses.PollsWaiting == 1, "it listens");
        var second = CreateTestProbe();
        tier.Tell(DrainTier.Instance, TestActor);
        tier.Tell(DrainTier.Instance, second);
        await AdvanceUntilAsync(() => HasMessages && second.HasMessages, "it is drained");
        await ExpectMsgAsync<TierDrained>();
        await second.ExpectMsgAsync<TierDrained>();
        await AskAsync<TierDrained>(tier, DrainTier.Instance);

        for (var i = 0; i < 5; i++) Requests.Put("picture");
        await AdvanceAsync(20 * Second, Second / 2);
        Assert.Empty(_fleet.Launches);
        Assert.Equal(0, Responses.PollsWaiting);
        await AskAsync<NoSuchBatch>(tier, new GetBatch(BatchId.New()));
    }

    private IActorRef Start()
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var settings = WebTierSettings.Create(ConfigurationFactory
            .ParseString("image-classifier.scaling.policy = per-image")
            .WithFallback(ConfigurationFactory.ParseString(reference)));
        var queues = new QueuePair(Requests, Responses);
        return Sys.ActorOf(Props.Create(() => new WebSupervisorActor(queues, Store, _fleet, settings)), "web");
    }
}
