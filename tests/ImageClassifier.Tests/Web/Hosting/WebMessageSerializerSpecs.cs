using System.Runtime.Serialization;
using System.Text;
using System.Text.Json;
using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Hosting;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.BatchProtocol;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Hosting;

public sealed class WebMessageSerializerSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    private static readonly DateTimeOffset At = new(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);

    public static TheoryData<string> Names => [.. WebMessageSerializer.Manifests.Keys.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_message_is_the_same_on_the_other_node(string name)
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        var message = Samples().Single(sample => sample.GetType().Name == name);
        var read = serializer.FromBinary(serializer.ToBinary(message), serializer.Manifest(message));
        Assert.Equal(message.GetType(), read.GetType());
        Assert.Equal(Json(message), Json(read));
    }

    [Fact]
    public void Every_message_of_the_protocols_has_its_own_manifest()
    {
        var messages = typeof(WebMessageSerializer).Assembly.GetTypes()
            .Where(type => type is { IsAbstract: false, IsInterface: false }
                && WebMessageSerializer.Markers.Any(marker => marker.IsAssignableFrom(type)))
            .ToHashSet();
        Assert.Equal(messages.OrderBy(type => type.Name), WebMessageSerializer.Manifests.Keys.OrderBy(type => type.Name));
        Assert.Distinct(WebMessageSerializer.Manifests.Values);
    }

    [Fact]
    public void Unknown_and_unreadable_messages_are_refused()
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        Assert.Throws<SerializationException>(() => serializer.Manifest("text"));
        Assert.Throws<SerializationException>(() => serializer.FromBinary("{}"u8.ToArray(), "batch/get/99"));
        Assert.Throws<SerializationException>(() => serializer.FromBinary("["u8.ToArray(), "batch/get/1"));
        Assert.Throws<SerializationException>(() => serializer.FromBinary("null"u8.ToArray(), "batch/get/1"));
    }

    [Fact]
    public void A_page_without_events_is_the_same_on_the_other_node()
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        var empty = new EventPage([], Finished: false);
        var read = serializer.FromBinary(serializer.ToBinary(empty), serializer.Manifest(empty));
        Assert.Equal(Json(empty), Json(read));
    }

    [Fact]
    public void The_JSON_of_an_event_crosses_nodes_as_it_is()
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        var bytes = serializer.ToBinary(Page());
        Assert.True(bytes.AsSpan().IndexOf(Page().Events[0].Json.Span) > 0);
        var read = (EventPage)serializer.FromBinary(bytes, serializer.Manifest(Page()));
        Assert.All(read.Events, one => Assert.True(bytes.AsSpan().Overlaps(one.Json.Span)));
    }

    [Fact]
    public void A_damaged_page_is_refused()
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        var manifest = serializer.Manifest(Page());
        var whole = serializer.ToBinary(Page());
        for (var length = 0; length < whole.Length; length++) Refused(whole[..length]);
        Refused([.. whole, 0]);
        Refused([2, .. whole[1..]]);
        // The number of events.
        Refused([whole[0], 255, 255, 255, 255, .. whole[5..]]);
        Refused([whole[0], 255, 255, 255, 127, .. whole[5..]]);

        void Refused(byte[] bytes) =>
            Assert.Throws<SerializationException>(() => serializer.FromBinary(bytes, manifest));
    }

    [Fact]
    public void Messages_of_a_node_without_figures_of_models_are_read()
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        Assert.Equal(
            new JobsDone(InstanceId.Parse("node-1"), 2),
            serializer.FromBinary("""{"instance":"node-1","jobs":2}"""u8.ToArray(), "scaler/jobs-done/1"));
        var fleet = Json(Fleet(InstanceId.Parse("node-1"))).Replace("\"models\":", "\"other\":", StringComparison.Ordinal);
        Assert.Empty(((FleetStatus)serializer.FromBinary(Encoding.UTF8.GetBytes(fleet), "scaler/fleet/1")).Models);
    }

    [Fact]
    public void A_page_of_the_longest_names_fits_into_a_message()
    {
        var serializer = new WebMessageSerializer((ExtendedActorSystem)Sys);
        var longest = new string('ä', 255);
        var job = Job() with { FileName = longest };
        var page = new BatchView(BatchId.New(), At, MaxPage, [.. Enumerable.Repeat(job, MaxPage)]);
        Assert.InRange(serializer.ToBinary(page).Length, 1, 4 << 20);
    }

    private static string Json(object message) =>
        Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(message, message.GetType(), WireJson.Options));

    private static JobDocument Job() => new(
        JobId.New(), "ä\"\u202e.jpg", JobStatus.Classified, [new Prediction(0, "cat", 0.5)], "It is.", "too-large",
        new ModelIdentity("tiny", new string('0', 64)), InstanceId.Parse("node-1"), new JobTimings(1, 2, 3, 4));

    private static EventPage Page() => new(
        [
            new BatchEvent(new EventId("0123abcd", 7), IsEnd: false, "{\"id\":\"ä\"}"u8.ToArray()),
            new BatchEvent(new EventId("0123abcd", 8), IsEnd: true, "{}"u8.ToArray()),
        ],
        Finished: true);

    /// <summary>One of each, with every member set.</summary>
    private static IEnumerable<object> Samples()
    {
        var batch = BatchId.New();
        var id = new EventId("0123abcd", 7);
        var instance = InstanceId.Parse("node-1");
        yield return TakeResults.Of(Jobs.Classified(Jobs.Request(), "cat"));
        yield return new GetBatch(batch, 500);
        yield return new ReadEvents(batch, id, TimeSpan.FromSeconds(15));
        yield return new DeleteBatch(batch);
        yield return new CancelWaiting(batch);
        yield return new EndDueJobs(batch);
        yield return new WaitingCancelled(batch, 3);
        yield return new ResultsTaken(At);
        yield return new NoSuchBatch(batch);
        yield return new BatchUnavailable(batch);
        yield return new BatchDamaged(batch);
        yield return new BatchDeleted(batch);
        yield return new BatchView(batch, At, 1, [Job()]) { Callback = CallbackEvents.Job, Deadline = At };
        yield return Page();
        yield return new WorkSent(3);
        yield return new JobsDone(instance, 3)
        {
            Model = new ModelIdentity("model", new string('a', 64), 200),
            Failed = 1,
            NotBegun = 1,
            ConfidenceSum = 1.5,
        };
        yield return GetFleet.Instance;
        yield return StopLaunching.Instance;
        yield return Fleet(instance);
        yield return new ResultReceived(At);
        yield return CallbackProtocol.MakeDeliveries.Instance;
    }

    private static FleetStatus Fleet(InstanceId instance)
    {
        var snapshot = new ScalingSnapshot(
            1, 2, new FleetCount(1, 2, 3, 4), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(26),
            [TimeSpan.FromSeconds(5)]);
        return new FleetStatus(
            19, 1, 2, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(26),
            [
                new TrackedInstance(
                    new FleetInstance(instance, InstanceState.Running, At, At, null), InstanceState.Running, At, null),
            ],
            [new DecisionRecord(At, At, DecisionOutcome.Held, HoldCause.Cap, snapshot, 20, 0, "The cap is reached.")])
        {
            Problems = [new NodeProblem(At, instance, "The model is missing.")],
            AreNodesFailing = true,
            Models = [new ModelFigures(new ModelIdentity("model", new string('a', 64), 200), At, 4, 1, 2.5)],
        };
    }
}
