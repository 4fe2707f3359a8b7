using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Serializer = Akka.Serialization.Serializer;

namespace ImageClassifier.Web.Cluster;

/// <summary>Replaces Akka's JSON serializer, which would write any object and read any type that a peer names. This one
/// refuses both: a message that crosses nodes needs a serializer of its own.</summary>
/// <remarks>Messages between actors of one node are not serialized, so they need none.</remarks>
internal sealed class UnboundMessageSerializer : Serializer
{
    // The identifier of the serializer that it replaces: messages that a peer wrote with the replaced one are refused
    // too.
    private const int IdentifierOfJson = 1;

    public UnboundMessageSerializer(ExtendedActorSystem system)
        : base(system)
    {
    }

    /// <summary>Akka passes the settings of the replaced serializer.</summary>
    public UnboundMessageSerializer(ExtendedActorSystem system, Config settings)
        : base(system)
    {
    }

    public override int Identifier => IdentifierOfJson;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => throw new SerializationException(
        $"{obj.GetType().FullName} has no serializer, so it cannot be sent to another web node. Bind its protocol's "
        + "interface to a serializer in akka.actor.serialization-bindings.");

    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException(
        "A message from another web node was written by the JSON serializer for any object, which is not allowed.");
}
