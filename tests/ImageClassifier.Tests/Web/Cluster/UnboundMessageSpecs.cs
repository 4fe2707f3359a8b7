using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Akka.Serialization;
using ImageClassifier.Web.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Cluster;

/// <summary>A message without a serializer does not cross nodes.</summary>
[Collection(ClusterCollection.Name)]
public sealed class UnboundMessageSpecs(ITestOutputHelper output) : ClusterSpecs(output)
{
    [Fact]
    public async Task An_unbound_message_is_refused_by_name_and_the_connection_stays_open()
    {
        var settings = ClusterNode.Settings(2);
        var nodes = await Started(settings.Select(one => ClusterNode.StartAsync(one, configure: akka =>
            akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new EchoActor()), "echo")))));
        var errors = CreateTestProbe();
        nodes[0].System.EventStream.Subscribe(errors.Ref, typeof(Error));
        var there = nodes[0].System.ActorSelection(
            $"akka.tcp://{WebClusterExtensions.SystemName}@127.0.0.1:{settings[1].Port}/user/echo");

        there.Tell(new Unbound(7));

        var refusal = $"{typeof(Unbound).FullName} has no serializer";
        await errors.FishForMessageAsync(
            message => $"{message} {((Error)message).Cause}".Contains(refusal, StringComparison.Ordinal), Patience);
        Assert.Equal("still there", await there.Ask<string>("still there", Patience));
    }

    [Fact]
    public async Task An_object_that_a_peer_serialised_as_JSON_is_refused()
    {
        var node = await Started(ClusterNode.StartAsync(ClusterNode.Settings(1)[0]));
        var serialization = ((ExtendedActorSystem)node.System).Serialization;
        var json = new NewtonSoftJsonSerializer((ExtendedActorSystem)Sys);

        Assert.IsType<UnboundMessageSerializer>(serialization.FindSerializerForType(typeof(Unbound)));
        Assert.ThrowsAny<Exception>(() => serialization.Deserialize(
            json.ToBinary(new Unbound(7)), json.Identifier, typeof(Unbound).AssemblyQualifiedName!));
    }

    private sealed record Unbound(int Number);

    private sealed class EchoActor : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }
}
