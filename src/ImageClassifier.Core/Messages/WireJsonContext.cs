using System.Text.Json.Serialization;

namespace ImageClassifier.Core.Messages;

/// <summary>Readers and writers of the documents that each picture needs, generated at compile time. Reflection would build
/// them in each process before its first picture.</summary>
[JsonSerializable(typeof(ClassificationRequest))]
[JsonSerializable(typeof(JobResult))]
[JsonSerializable(typeof(JobResult[]))]
[JsonSerializable(typeof(NodeRecord))]
internal sealed partial class WireJsonContext : JsonSerializerContext;
