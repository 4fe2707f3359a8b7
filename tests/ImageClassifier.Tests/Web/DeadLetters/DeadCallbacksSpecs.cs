using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Tests.Web.Callbacks;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.DeadLetters;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.DeadLetters;

/// <summary>What an operator does with deliveries that were given up.</summary>
public sealed class DeadCallbacksSpecs(ITestOutputHelper output) : CallbackSpecs(output)
{
    private DeadCallbacks Desk => new(Store);

    [Fact]
    public async Task Dead_deliveries_are_listed_with_host_and_reason_and_without_the_address()
    {
        var job = JobId.New();
        var batch = Bury(new CallbackSubject(job, 2));
        var letter = Assert.Single(await Desk.ListAsync(10, default));
        Assert.Equal((job, batch, 2, 8), (letter.JobId, letter.BatchId, letter.Attempt, letter.ReceiveCount));
        Assert.Equal(new JobError("not-delivered", "receiver.example: it answered 500"), letter.Error);
        Assert.Equal(DateTimeOffset.UnixEpoch, letter.SubmittedAt);
    }

    [Fact]
    public async Task A_redriven_delivery_waits_again_with_all_its_tries()
    {
        var batch = Bury(new CallbackSubject(null, 1));
        var outcome = Assert.Single(await Desk.RedriveAsync(null, default));
        Assert.Equal((LetterFate.Redriven, batch), (outcome.Fate, outcome.BatchId));
        Assert.False(IsDead(batch));
        var delivery = Store.DocumentAt<CallbackDelivery>(Assert.Single(Waiting).Key)!;
        Assert.Equal(($"{batch}-1", 0), (delivery.Id, delivery.Tries));
        Assert.Equal(DateTimeOffset.UnixEpoch, Waiting[0].Due);
    }

    [Fact]
    public async Task A_purged_delivery_is_gone_and_is_not_made_again()
    {
        var batch = Bury(new CallbackSubject(null, 1));
        Assert.Equal(LetterFate.Purged, Assert.Single(await Desk.PurgeAsync(null, default)).Fate);
        Assert.False(IsDead(batch));
        Assert.True(IsSettled(batch));
        var progress = await new StoredCallbacks(Store).ProgressOfAsync(batch, default);
        Assert.Empty(progress.Settled);
        Assert.Equal(new CallbackSubject(null, 1), Assert.Single(progress.Dead));
    }

    [Fact]
    public async Task Only_the_named_jobs_are_handled()
    {
        var (job, missing) = (JobId.New(), JobId.New());
        Bury(new CallbackSubject(job, 1));
        var other = Bury(new CallbackSubject(null, 1));
        var outcomes = await Desk.PurgeAsync([job, missing], default);
        Assert.Equal([(job, LetterFate.Purged), (missing, LetterFate.NotFound)],
            outcomes.Select(outcome => (outcome.JobId!.Value, outcome.Fate)));
        Assert.True(IsDead(other));
    }

    [Fact]
    public async Task A_damaged_delivery_can_only_be_purged()
    {
        var batch = BatchId.New();
        Store.Set(CallbackKeys.DeadCallback(batch, new CallbackSubject(null, 1)), "{");
        Assert.Contains("damaged", Assert.Single(await Desk.ListAsync(10, default)).Error!.Message, StringComparison.Ordinal);
        Assert.Equal(LetterFate.Kept, Assert.Single(await Desk.RedriveAsync(null, default)).Fate);
        Assert.Equal(LetterFate.Purged, Assert.Single(await Desk.PurgeAsync(null, default)).Fate);
        Assert.False(IsDead(batch));
    }

    private BatchId Bury(CallbackSubject subject)
    {
        var batch = StoredBatch(1).Batch;
        var delivery = Delivery(batch, "https://receiver.example/secret-path?token=t") with { Tries = 8 };
        var dead = new DeadCallback(delivery, "it answered 500", Time.GetUtcNow());
        Store.Set(CallbackKeys.DeadCallback(batch, subject), WireJson.Write(dead));
        return batch;
    }
}
