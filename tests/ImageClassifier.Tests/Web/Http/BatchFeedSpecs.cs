using Akka.Actor;
using Akka.Hosting;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Results;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;

namespace ImageClassifier.Tests.Web.Http;

public sealed class BatchFeedSpecs : WebSpecs
{
    private readonly BatchId _batch = BatchId.New();
    private readonly ClusterMembership _membership = new(isClusterEnabled: true);
    private readonly TestProbe _batches;
    private readonly BatchFeed _feed;

    public BatchFeedSpecs(ITestOutputHelper output)
        : base(output)
    {
        _batches = CreateTestProbe();
        _feed = new BatchFeed(new RequiredProbe(_batches), _membership, Showing, Time);
    }

    [Fact]
    public async Task Readers_that_wait_at_the_same_position_share_one_question()
    {
        var readers = new List<IAsyncEnumerator<IBatchAnswer>>();
        for (var i = 0; i < 3; i++)
        {
            var reader = _feed.ReadAsync(_batch, null, CancellationToken.None).GetAsyncEnumerator();
            readers.Add(reader);
            var first = reader.MoveNextAsync();
            await _batches.ExpectMsgAsync<ReadEvents>(read => read.Wait == TimeSpan.Zero);
            _batches.LastSender.Tell(Page(1));
            Assert.True(await first);
        }

        var waiting = readers.ConvertAll(reader => reader.MoveNextAsync().AsTask());
        Assert.Equal(Id(1), (await _batches.ExpectMsgAsync<ReadEvents>()).After);
        var answered = _batches.LastSender;
        await SettleAsync();
        Assert.False(_batches.HasMessages);
        answered.Tell(Page(2));

        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.All(readers, reader => Assert.Equal(Id(2), ((EventPage)reader.Current).Events[^1].Id));
    }

    [Fact]
    public async Task A_reader_that_leaves_does_not_end_the_question_of_another()
    {
        using var leaving = new CancellationTokenSource();
        var (left, one) = await WaitingReaderAsync(leaving.Token);
        await _batches.ExpectMsgAsync<ReadEvents>();
        var answered = _batches.LastSender;
        var (stays, two) = await WaitingReaderAsync(CancellationToken.None);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        answered.Tell(Page(2));
        Assert.True(await two);
        Assert.NotSame(left, stays);
    }

    [Fact]
    public async Task After_an_empty_page_the_next_question_waits_until_the_parent_knows_that_the_batch_has_stopped()
    {
        var (reader, waiting) = await WaitingReaderAsync(CancellationToken.None);
        await _batches.ExpectMsgAsync<ReadEvents>();
        _batches.LastSender.Tell(new EventPage([], Finished: false));
        Assert.True(await waiting);

        var next = reader.MoveNextAsync();
        await SettleAsync();
        Assert.False(_batches.HasMessages);
        await AdvanceAsync(ResultSettings.Pace);
        await _batches.ExpectMsgAsync<ReadEvents>();
        _batches.LastSender.Tell(Page(2));
        Assert.True(await next);
    }

    [Fact]
    public async Task A_deletion_is_repeated_when_the_batch_does_not_answer()
    {
        var deletion = _feed.DeleteAsync(_batch, CancellationToken.None);
        await _batches.ExpectMsgAsync<DeleteBatch>();
        // The web node dies after it has deleted the batch.
        await _batches.ExpectMsgAsync<DeleteBatch>();
        _batches.LastSender.Tell(new NoSuchBatch(_batch));
        Assert.IsType<BatchDeleted>(await deletion);
    }

    [Fact]
    public async Task What_a_lost_web_node_was_asked_is_asked_again_at_once()
    {
        var (_, waiting) = await WaitingReaderAsync(CancellationToken.None);
        await _batches.ExpectMsgAsync<ReadEvents>();
        _membership.RecordLoss();
        await _batches.ExpectMsgAsync<ReadEvents>();
        _batches.LastSender.Tell(Page(2));
        Assert.True(await waiting);

        _membership.RecordLoss();
        var deletion = _feed.DeleteAsync(_batch, CancellationToken.None);
        await _batches.ExpectMsgAsync<DeleteBatch>();
        _membership.RecordLoss();
        await _batches.ExpectMsgAsync<DeleteBatch>();
        _batches.LastSender.Tell(new NoSuchBatch(_batch));
        Assert.IsType<BatchDeleted>(await deletion);
    }

    private async Task<(IAsyncEnumerator<IBatchAnswer> Reader, Task<bool> Waiting)> WaitingReaderAsync(
        CancellationToken cancellation)
    {
        var reader = _feed.ReadAsync(_batch, null, cancellation).GetAsyncEnumerator(cancellation);
        var first = reader.MoveNextAsync();
        await _batches.ExpectMsgAsync<ReadEvents>(read => read.Wait == TimeSpan.Zero, cancellationToken: CancellationToken.None);
        _batches.LastSender.Tell(Page(1));
        await first;
        return (reader, reader.MoveNextAsync().AsTask());
    }

    private static EventId Id(int number) => new("00000000", number);

    private static EventPage Page(int number) => new([new BatchEvent(Id(number), IsEnd: true, default)], Finished: false);

    private sealed class RequiredProbe(TestProbe probe) : IRequiredActor<BatchActor>
    {
        public IActorRef ActorRef => probe;

        public Task<IActorRef> GetAsync(CancellationToken cancellationToken = default) =>
            Task.FromResult<IActorRef>(probe);
    }
}
