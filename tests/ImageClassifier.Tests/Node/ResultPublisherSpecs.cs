using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Node.Polling;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
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

    private ResultPublisher Publisher => new(
        Store,
        Responses,
        new OutageRetries(RetryPolicy.Default, Time, _health),
        new QueueRetries(RetryPolicy.Default, Time),
        _health,
        Time,
        Sys.Log);

    private Delivery Deliver(bool leased)
    {
        var now = Time.GetMonotonic();
        var delivery = new Delivery(new ReceivedMessage("", "group", new Receipt("receipt"), 1), now);
        delivery.SetLeaseEnd(leased ? now + TimeSpan.FromSeconds(1) : now);
        return delivery;
    }

    private static JobWork.Ended Failed(Delivery delivery) => JobWork.Ended.Failed(
        delivery, Jobs.Request(), Instance, new ModelIdentity("fake", new string('0', 64)),
        new JobError(JobErrorCodes.TooCostly, "It took too long."));
}
