using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Node.Polling;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class ResultPublisherSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private static readonly InstanceId Instance = InstanceId.Parse("instance-1");

    private readonly NodeHealth _health = new(3, _ => { });

    [Fact]
    public async Task A_failure_with_an_expired_lease_is_not_stored()
    {
        var ended = Failed(Deliver(leased: false));
        var work = await Publisher.StoreAsync(ended);

        Assert.IsType<JobWork.NotDone>(work);
        Assert.Null(StoredResultOf(ended.Request));
    }

    [Fact]
    public async Task A_failure_under_a_lease_is_stored()
    {
        var ended = Failed(Deliver(leased: true));
        await Publisher.StoreAsync(ended);

        Assert.Equal(JobErrorCodes.TooCostly, StoredResultOf(ended.Request)!.Error!.Code);
    }

    [Fact]
    public async Task A_classification_is_stored_even_with_an_expired_lease()
    {
        var request = Jobs.Request();
        await Publisher.StoreAsync(new JobWork.Ended(Deliver(leased: false), request, Jobs.Classified(request)));

        Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status);
    }

    [Fact]
    public async Task Results_of_first_receives_share_a_message()
    {
        var jobs = Many(10);
        var settled = await Publisher.PublishAsync(jobs);

        var message = Assert.Single(Responses.All);
        Assert.Equal([1], Responses.BatchSizesOf(QueueCall.Send));
        Assert.Equal(jobs[0].Request.Job.Value, message.GroupId);
        Assert.Equal(jobs.Select(job => job.Request.Job), Published.Select(result => result.Job));
        Assert.Equal(
            jobs.Select(job => (job.Delivery, Settlement.Delete)), settled.Select(one => (one.Delivery, one.Settlement)));
    }

    [Fact]
    public async Task A_lone_result_is_a_JSON_object()
    {
        var job = Assert.Single(Many(1));
        await Publisher.PublishAsync([job]);

        var message = Assert.Single(Responses.All);
        Assert.Equal(WireJson.Write(job.Result), message.Body);
        Assert.Equal(ClassificationRequest.DeduplicationId(job.Request.Job, 1), message.DeduplicationId);
    }

    [Fact]
    public async Task The_queue_drops_the_same_results_and_keeps_a_message_with_other_companions()
    {
        var jobs = Many(3);
        await Publisher.PublishAsync(jobs);
        await Publisher.PublishAsync(jobs);
        Assert.Single(Responses.All);

        await Publisher.PublishAsync([jobs[0], jobs[1]]);
        await Publisher.PublishAsync([jobs[0], jobs[2]]);
        var next = jobs[1].Request with { Attempt = 2 };
        await Publisher.PublishAsync([jobs[0], jobs[1] with { Request = next }]);
        await Publisher.PublishAsync([jobs[0]]);
        Assert.Equal(5, Responses.All.Count);
        Assert.All(Responses.All, message => Assert.InRange(message.DeduplicationId.Length, 1, 128));
    }

    [Fact]
    public async Task The_result_of_a_repeated_message_goes_alone_so_that_the_queue_drops_further_repeats()
    {
        JobWork.Ended[] jobs = [.. Many(2), Classified(receiveCount: 2), Classified(receiveCount: 7)];
        await Publisher.PublishAsync(jobs);
        Assert.Equal([3], Responses.BatchSizesOf(QueueCall.Send));
        Assert.Equivalent(jobs.Select(job => job.Result.Job.Value), Published.Select(result => result.Job.Value), strict: true);

        await Publisher.PublishAsync([.. Many(1), jobs[3]]);
        Assert.Equal(4, Responses.All.Count);
        Assert.Contains(
            ClassificationRequest.DeduplicationId(jobs[2].Request.Job, 1),
            Responses.All.Select(message => message.DeduplicationId));
    }

    [Theory]
    [InlineData(OutgoingMessage.MaxBodyBytes, 1)]
    [InlineData(OutgoingMessage.MaxBodyBytes + 1, 2)]
    public async Task Results_that_are_too_long_together_are_split(int bytes, int messages)
    {
        var jobs = Many(2);
        var padding = bytes - ResultMessage.Join([.. jobs.Select(job => job.Result.ToMessage())]).Body.Length;
        jobs[1] = jobs[1] with { Result = WithLabel(jobs[1].Result, new string('x', padding + 1)) };
        await Publisher.PublishAsync(jobs);

        Assert.Equal(messages, Responses.All.Count);
        Assert.Equal(jobs.Select(job => job.Result.Job), Published.Select(result => result.Job));
    }

    [Fact]
    public async Task Every_message_of_long_results_is_within_the_limit()
    {
        // Each of these characters is six bytes of JSON.
        var jobs = Many(10).Select(job => job with { Result = WithLabel(job.Result, new string('é', 10_000)) }).ToArray();
        await Publisher.PublishAsync(jobs);

        Assert.Equal(3, Responses.All.Count);
        Assert.All(Responses.All, message => Assert.InRange(
            Encoding.UTF8.GetByteCount(message.Body), 1, OutgoingMessage.MaxBodyBytes));
        Assert.Equal(jobs.Select(job => job.Result.Job), Published.Select(result => result.Job));
    }

    [Fact]
    public async Task A_message_that_cannot_be_sent_hands_back_all_its_jobs_and_no_other()
    {
        Responses.EntryOutcome = (_, body) =>
            body.StartsWith('[') ? new QueueOutcome(QueueOutcomeKind.Invalid, "The test refuses it.") : null;
        var repeated = Classified(receiveCount: 2);
        var settled = await Publisher.PublishAsync([.. Many(3), repeated]);

        Assert.Equal(4, settled.Count);
        Assert.All(settled, one => Assert.Equal(
            one.Delivery == repeated.Delivery ? Settlement.Delete : Settlement.HandBack, one.Settlement));
    }

    private ResultPublisher Publisher => new(
        Store,
        Responses,
        new OutageRetries(RetryPolicy.Default, Time, _health),
        new QueueRetries(RetryPolicy.Default, Time),
        _health,
        Time,
        Sys.Log);

    private JobWork.Ended[] Many(int jobs) => [.. Enumerable.Range(0, jobs).Select(_ => Classified())];

    private JobWork.Ended Classified(int receiveCount = 1)
    {
        var request = Jobs.Request();
        return new JobWork.Ended(Deliver(leased: true, receiveCount), request, Jobs.Classified(request, "x"))
        {
            IsStored = true,
        };
    }

    private static JobResult WithLabel(JobResult result, string label) =>
        result with { Predictions = [new Prediction(0, label, 1)] };

    private Delivery Deliver(bool leased, int receiveCount = 1)
    {
        var now = Time.GetMonotonic();
        var delivery = new Delivery(new ReceivedMessage("", "group", new Receipt("receipt"), receiveCount), now);
        delivery.SetLeaseEnd(leased ? now + TimeSpan.FromSeconds(1) : now);
        return delivery;
    }

    private static JobWork.Ended Failed(Delivery delivery) => JobWork.Ended.Failed(
        delivery, Jobs.Request(), Instance, new ModelIdentity("fake", new string('0', 64)),
        new JobError(JobErrorCodes.TooCostly, "It took too long."));
}
