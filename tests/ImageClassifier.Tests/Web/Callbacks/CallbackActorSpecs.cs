using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Callbacks.CallbackProtocol;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>When deliveries are tried, with receivers that a test scripts.</summary>
public sealed class CallbackActorSpecs(ITestOutputHelper output) : CallbackSpecs(output)
{
    private const string Receiver = "https://receiver.example/hook";

    private readonly ScriptedReceivers _receivers = new();

    [Fact]
    public async Task A_stored_delivery_is_made_at_once_and_noted()
    {
        var callbacks = Start();
        var batch = await StoreDeliveryAsync(Receiver);
        callbacks.Tell(MakeDeliveries.Instance);
        await AdvanceUntilAsync(() => IsSettled(batch) && Waiting.Count == 0, "the delivery is noted");
        var request = Assert.Single(_receivers.Requests);
        Assert.Equal($"{batch}-1", request.Id);
        await AdvanceAsync(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(1));
        Assert.Single(_receivers.Requests);
    }

    [Fact]
    public async Task A_delivery_that_was_stored_just_before_a_crash_is_made_after_the_restart()
    {
        var batch = await StoreDeliveryAsync(Receiver);
        Start();
        await AdvanceUntilAsync(() => IsSettled(batch), "the delivery is made");
    }

    [Fact]
    public async Task A_failed_delivery_is_tried_for_a_day_with_the_same_id_and_is_then_dead()
    {
        _receivers.Answer = _ => Status(HttpStatusCode.InternalServerError);
        var batch = await StoreDeliveryAsync(Receiver);
        var start = Time.GetUtcNow();
        Start();
        await AdvanceUntilAsync(() => _receivers.Requests.Count == 2, "the second try", TimeSpan.FromSeconds(2));
        Assert.InRange(Time.GetUtcNow() - start, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));
        await AdvanceUntilAsync(() => IsDead(batch), "the delivery is dead", TimeSpan.FromMinutes(20));
        Assert.InRange(Time.GetUtcNow() - start, TimeSpan.FromHours(24), TimeSpan.FromHours(32));
        Assert.Equal(8, _receivers.Requests.Count);
        Assert.Single(_receivers.Requests.Select(request => request.Id).Distinct());
        Assert.Empty(Waiting);
        var dead = Store.DocumentAt<DeadCallback>(CallbackKeys.DeadCallback(batch, new CallbackSubject(null, 1)))!;
        Assert.Equal((8, "it answered 500"), (dead.Delivery!.Tries, dead.Reason));
    }

    [Fact]
    public async Task A_restart_neither_forgets_a_failed_delivery_nor_tries_it_early()
    {
        _receivers.Answer = _ => Status(HttpStatusCode.BadGateway);
        var batch = await StoreDeliveryAsync(Receiver);
        var first = Start();
        await AdvanceUntilAsync(() => Waiting is [{ Due.Year: > 1970 }], "the failure is noted");
        await first.GracefulStop(RealLimit);
        var due = Assert.Single(Waiting).Due;
        _receivers.Answer = _ => Status(HttpStatusCode.OK);
        Start();
        await AdvanceUntilAsync(() => IsSettled(batch), "the delivery is made", TimeSpan.FromSeconds(1));
        Assert.True(Time.GetUtcNow() >= due);
        Assert.Equal(2, _receivers.Requests.Count);
    }

    [Fact]
    public async Task A_receiver_that_is_gone_gets_no_further_try()
    {
        _receivers.Answer = _ => Status(HttpStatusCode.Gone);
        var batch = await StoreDeliveryAsync(Receiver);
        Start();
        await AdvanceUntilAsync(() => IsDead(batch) && Waiting.Count == 0, "the delivery is dead");
        Assert.Single(_receivers.Requests);
    }

    [Theory]
    [InlineData(600, 600, 602)]
    [InlineData(1_000_000, 3600, 3602)]
    [InlineData(1, 5, 8)]
    public async Task A_receiver_may_ask_for_a_pause_of_up_to_an_hour(int asked, int least, int most)
    {
        _receivers.Answer = _ =>
        {
            var busy = Status(HttpStatusCode.ServiceUnavailable);
            busy.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(asked));
            return busy;
        };
        await StoreDeliveryAsync(Receiver);
        Start();
        await UntilAsync(() => Waiting is [{ Due.Year: > 1970 }], "the failure is noted");
        Assert.InRange((Waiting[0].Due - Time.GetUtcNow()).TotalSeconds, least, most);
    }

    [Fact]
    public async Task A_receiver_that_hangs_holds_up_no_other_and_fails_after_ten_seconds()
    {
        _receivers.Hangs = host => host == "slow.example";
        for (var i = 0; i < 20; i++) await StoreDeliveryAsync("https://slow.example/hook");
        var quick = new List<BatchId>();
        for (var i = 0; i < 20; i++) quick.Add(await StoreDeliveryAsync("https://quick.example/hook"));
        Start();
        await UntilAsync(() => quick.TrueForAll(IsSettled), "the quick receiver has all");
        // A receiver that has taken nothing yet, and one whose tries fail, gets one at a time.
        Assert.Equal(1, _receivers.Requests.Count(request => request.Host == "slow.example"));
        Assert.DoesNotContain(Waiting, waiting => waiting.Due.Year > 1970);
        await AdvanceUntilAsync(
            () => Waiting.Count(waiting => waiting.Due.Year > 1970) == 1, "the hanging try ends", TimeSpan.FromSeconds(1));
        await UntilAsync(() => _receivers.Requests.Count(request => request.Host == "slow.example") == 2, "one more try");
    }

    [Fact]
    public async Task A_host_is_one_receiver_whatever_its_ports()
    {
        _receivers.Hangs = host => host == "slow.example";
        for (var port = 1; port <= 20; port++) await StoreDeliveryAsync($"https://slow.example:{port}/hook");
        var quick = await StoreDeliveryAsync(Receiver);
        Start();
        await UntilAsync(() => IsSettled(quick), "the quick receiver has its delivery");
        Assert.Equal(1, _receivers.Requests.Count(request => request.Host == "slow.example"));
    }

    [Theory]
    [InlineData(HttpStatusCode.OK)]
    [InlineData(HttpStatusCode.Gone)]
    public async Task A_receiver_that_deletes_the_batch_leaves_nothing_behind(HttpStatusCode status)
    {
        var batch = await StoreDeliveryAsync(Receiver);
        _receivers.Answer = _ =>
        {
            new BatchRemoval(Store).DeleteAsync(batch, default).GetAwaiter().GetResult();
            return Status(status);
        };
        Start();
        await AdvanceUntilAsync(() => _receivers.Requests.Count == 1 && !KeysOf(batch).Any(), "nothing is left");
        await AdvanceAsync(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(1));
        Assert.Empty(KeysOf(batch));
    }

    [Fact]
    public async Task A_try_that_fails_in_an_unknown_way_is_repeated_later_like_any_other()
    {
        _receivers.Answer = _ => throw new InvalidOperationException("The handler has a fault.");
        await StoreDeliveryAsync(Receiver);
        Start();
        await AdvanceUntilAsync(() => Waiting is [{ Due.Year: > 1970 }], "the failure is noted");
        Assert.Single(_receivers.Requests);
    }

    [Fact]
    public async Task A_receiver_with_many_deliveries_gets_all()
    {
        for (var i = 0; i < 150; i++) await StoreDeliveryAsync(Receiver);
        Start();
        await AdvanceUntilAsync(() => Waiting.Count == 0, "all are made", TimeSpan.FromSeconds(1));
        Assert.Equal(150, _receivers.Requests.Select(request => request.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_delivery_that_could_not_be_noted_is_made_again_with_the_same_id()
    {
        var batch = await StoreDeliveryAsync(Receiver);
        Store.FailNext(StoreCall.Put);
        Start();
        await AdvanceUntilAsync(() => IsSettled(batch), "the delivery is noted", TimeSpan.FromSeconds(10));
        Assert.Equal([$"{batch}-1", $"{batch}-1"], _receivers.Requests.Select(request => request.Id));
    }

    [Fact]
    public async Task A_delivery_of_a_deleted_batch_is_dropped()
    {
        var batch = await StoreDeliveryAsync(Receiver);
        await Store.DeleteAsync(ObjectKeys.Manifest(batch), default);
        Start();
        await AdvanceUntilAsync(() => Waiting.Count == 0, "the delivery is dropped");
        Assert.Empty(_receivers.Requests);
    }

    [Fact]
    public async Task A_batch_that_is_deleted_takes_its_deliveries_along()
    {
        var batch = await StoreDeliveryAsync(Receiver);
        var subject = new CallbackSubject(null, 2);
        Store.Set(CallbackKeys.DeadCallback(batch, subject), "{}");
        Store.Set(CallbackKeys.Settled(batch, subject), "");
        await new BatchRemoval(Store).DeleteAsync(batch, default);
        Assert.Empty(KeysOf(batch));
    }

    [Fact]
    public async Task A_damaged_delivery_is_dead_with_the_reason()
    {
        var batch = await StoreDeliveryAsync(Receiver);
        Store.Set(Assert.Single(Waiting).Key, "{");
        Start();
        await AdvanceUntilAsync(() => IsDead(batch), "the delivery is dead");
        Assert.Empty(_receivers.Requests);
    }

    [Theory]
    [InlineData("a\r\nb", Receiver, 0)]
    [InlineData("é", Receiver, 0)]
    [InlineData("", Receiver, 0)]
    [InlineData("a", "file:///etc/passwd", 0)]
    [InlineData("a", "mailto:someone@receiver.example", 0)]
    [InlineData("a", "https://\u05d0a.example/hook", 0)]
    [InlineData("a", Receiver, int.MaxValue)]
    [InlineData("a", Receiver, -1)]
    public async Task A_delivery_of_which_no_try_is_possible_is_damaged(string id, string url, int tries)
    {
        var batch = await StoreDeliveryAsync(Receiver);
        var forged = Delivery(batch, Receiver) with { Id = id, Url = url, Tries = tries };
        Store.Set(Assert.Single(Waiting).Key, WireJson.Write(forged));
        Start();
        await AdvanceUntilAsync(() => IsDead(batch) && Waiting.Count == 0, "the delivery is dead");
        Assert.Empty(_receivers.Requests);
    }

    [Fact]
    public async Task Deliveries_that_cannot_be_read_are_listed_no_more_often()
    {
        // More than one walk takes.
        for (var i = 0; i < 70; i++) await StoreDeliveryAsync(Receiver);
        var walks = 0;
        Store.Before = (call, key) =>
        {
            if (call == StoreCall.List) Interlocked.Increment(ref walks);
            return call == StoreCall.Get && key.StartsWith(CallbackKeys.Waiting, StringComparison.Ordinal)
                ? Task.FromException(new IOException("The disk is broken."))
                : Task.CompletedTask;
        };
        Start();
        await AdvanceAsync(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1));
        Assert.InRange(walks, 1, 2);

        Store.Before = (_, _) => Task.CompletedTask;
        await AdvanceUntilAsync(() => Waiting.Count == 0, "all are made", TimeSpan.FromSeconds(1));
        Assert.Equal(70, _receivers.Requests.Select(request => request.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_delivery_whose_secret_was_removed_waits_for_it()
    {
        var manifest = StoredBatch(1);
        var delivery = Delivery(manifest.Batch, Receiver) with { Key = "removed" };
        await new StoredCallbacks(Store).AddAsync(delivery, new CallbackSubject(null, 1), default);
        Start();
        await UntilAsync(() => Waiting is [{ Due.Year: > 1970 }], "the failure is noted");
        Assert.Empty(_receivers.Requests);
    }

    private IActorRef Start()
    {
        var settings = Settings();
        var sender = new CallbackSender(new HttpMessageInvoker(_receivers), settings.Secrets, Time);
        var courier = new CallbackCourier(Store, sender, Time);
        return Sys.ActorOf(Props.Create(() => new CallbackActor(Store, courier, settings)));
    }

    private static HttpResponseMessage Status(HttpStatusCode status) => new(status);

    private sealed class ScriptedReceivers : HttpMessageHandler
    {
        public ConcurrentQueue<(string Host, string Id)> Requests { get; } = [];

        public Func<HttpRequestMessage, HttpResponseMessage> Answer { get; set; } = _ => Status(HttpStatusCode.NoContent);

        public Func<string, bool> Hangs { get; set; } = _ => false;

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var host = request.RequestUri!.Host;
            Requests.Enqueue((host, request.Headers.GetValues("webhook-id").Single()));
            if (Hangs(host)) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return Answer(request);
        }
    }
}
