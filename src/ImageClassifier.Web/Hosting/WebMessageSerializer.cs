using System.Runtime.Serialization;
using System.Text.Json;
using Akka.Actor;
using Akka.Hosting;
using Akka.Serialization;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Web.Hosting;

/// <summary>Writes the messages between web nodes as the JSON that the queues use, and a page of events as
/// <see cref="EventPageFormat"/>. A manifest names the type and its
/// version, never a .NET class. So a class can be renamed, and during an upgrade a node refuses a message that it does
/// not know.</summary>
public sealed class WebMessageSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>The interfaces that mark messages between nodes.</summary>
    public static IReadOnlyCollection<Type> Markers { get; } =
    [
        typeof(BatchProtocol.IBatchCommand),
        typeof(BatchProtocol.IBatchAnswer),
        typeof(ScalerProtocol.IScalerCommand),
        typeof(ScalerProtocol.IScalerAnswer),
        typeof(ResultListenerProtocol.IResultEvent),
        typeof(CallbackProtocol.ICallbackCommand),
    ];

    /// <summary>The manifest of each message. A change that an older node would misread needs a new number.</summary>
    public static IReadOnlyDictionary<Type, string> Manifests { get; } = new Dictionary<Type, string>
    {
        [typeof(BatchProtocol.TakeResults)] = "batch/take-results/1",
        [typeof(BatchProtocol.GetBatch)] = "batch/get/1",
        [typeof(BatchProtocol.ReadEvents)] = "batch/read-events/1",
        [typeof(BatchProtocol.DeleteBatch)] = "batch/delete/1",
        [typeof(BatchProtocol.CancelWaiting)] = "batch/cancel-waiting/1",
        [typeof(BatchProtocol.EndDueJobs)] = "batch/end-due-jobs/1",
        [typeof(BatchProtocol.WaitingCancelled)] = "batch/waiting-cancelled/1",
        [typeof(BatchProtocol.ResultsTaken)] = "batch/results-taken/1",
        [typeof(BatchProtocol.NoSuchBatch)] = "batch/missing/1",
        [typeof(BatchProtocol.BatchUnavailable)] = "batch/unavailable/1",
        [typeof(BatchProtocol.BatchDamaged)] = "batch/damaged/1",
        [typeof(BatchProtocol.BatchDeleted)] = "batch/deleted/1",
        [typeof(BatchProtocol.BatchView)] = "batch/view/2",
        [typeof(BatchProtocol.EventPage)] = "batch/events/2",
        [typeof(ScalerProtocol.WorkSent)] = "scaler/work-sent/1",
        [typeof(ScalerProtocol.JobsDone)] = "scaler/jobs-done/1",
        [typeof(ScalerProtocol.GetFleet)] = "scaler/get-fleet/1",
        [typeof(ScalerProtocol.StopLaunching)] = "scaler/stop-launching/1",
        [typeof(ScalerProtocol.FleetStatus)] = "scaler/fleet/1",
        [typeof(ResultListenerProtocol.ResultReceived)] = "listener/result-received/1",
        [typeof(CallbackProtocol.MakeDeliveries)] = "callbacks/make-deliveries/1",
    };

    private static readonly Dictionary<string, Type> Types = Manifests.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>Akka keeps 0 to 40 for itself.</summary>
    public override int Identifier => 1201;

    /// <inheritdoc />
    /// <exception cref="SerializationException">The message has no manifest.</exception>
    public override string Manifest(object o) => Manifests.GetValueOrDefault(o.GetType())
        ?? throw new SerializationException($"{o.GetType()} has no manifest, so it cannot go to another web node.");

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) => obj is BatchProtocol.EventPage page
        ? EventPageFormat.Write(page)
        : JsonSerializer.SerializeToUtf8Bytes(obj, obj.GetType(), WireJson.Options);

    /// <inheritdoc />
    /// <exception cref="SerializationException">The manifest is unknown, or the bytes are not its message.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!Types.TryGetValue(manifest, out var type))
            throw new SerializationException($"The message {manifest} is unknown: another version may have sent it.");
        if (type == typeof(BatchProtocol.EventPage)) return EventPageFormat.Read(bytes);
        try
        {
            return JsonSerializer.Deserialize(bytes, type, WireJson.Options)
                ?? throw new SerializationException($"The message {manifest} is empty.");
        }
        catch (JsonException failure)
        {
            throw new SerializationException($"The message {manifest} is unreadable.", failure);
        }
    }
}

/// <summary>Registers the serializer.</summary>
public static class WebMessageSerialization
{
    /// <summary>Binds the messages between web nodes to <see cref="WebMessageSerializer"/>, if there are
    /// several.</summary>
    public static AkkaConfigurationBuilder WithWebMessages(
        this AkkaConfigurationBuilder builder, ClusterSettings cluster) => cluster.IsEnabled
        ? builder.WithCustomSerializer(
            "web-messages", WebMessageSerializer.Markers, system => new WebMessageSerializer(system))
        : builder;
}
