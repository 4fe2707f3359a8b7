using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.LiveJobsProtocol;
using static ImageClassifier.Web.Uploads.OutboxProtocol;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class QueueWatchActorSpecs : WebSpecs
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly TestProbe _outbox;
    private readonly TestProbe _liveJobs;

    public QueueWatchActorSpecs(ITestOutputHelper output)
        : base(output)
    {
        _outbox = CreateTestProbe();
        _liveJobs = CreateTestProbe();
    }

    [Fact]
    public async Task The_outbox_gets_the_queues_identity_and_each_change_of_it()
    {
        (Requests.Contents, Responses.Contents) = ("first", "first");
        Start();
        Assert.Equal("first", (await _outbox.ExpectMsgAsync<QueueIdentified>()).Contents);

        Requests.LoseAll("second");
        await AdvanceAsync(Interval, Interval);

        Assert.Equal("second", (await _outbox.ExpectMsgAsync<QueueIdentified>()).Contents);
        await _liveJobs.ExpectNoMsgAsync(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_lost_response_queue_makes_open_batches_read_the_store()
    {
        (Requests.Contents, Responses.Contents) = ("first", "first");
        Start();
        await _outbox.ExpectMsgAsync<QueueIdentified>();

        Responses.LoseAll("second");
        await AdvanceAsync(Interval, Interval);

        await _liveJobs.ExpectMsgAsync<CatchUp>();
        await _outbox.ExpectNoMsgAsync(TimeSpan.Zero);
    }

    [Fact]
    public async Task Queues_without_an_identity_are_read_once()
    {
        Start();
        await SettleAsync();
        (Requests.Contents, Responses.Contents) = ("first", "first");
        await AdvanceAsync(Interval * 3, Interval);

        await _outbox.ExpectNoMsgAsync(TimeSpan.Zero);
    }

    private void Start()
    {
        var queues = new QueuePair(Requests, Responses);
        Sys.ActorOf(Props.Create(() => new QueueWatchActor(queues, _outbox, _liveJobs)));
    }
}
