namespace ImageClassifier.Core.Ports;

/// <summary>The two queues between the tiers.</summary>
/// <param name="Requests">From the web tier to the app nodes.</param>
/// <param name="Responses">From the app nodes to the web tier.</param>
public sealed record QueuePair(IMessageQueue Requests, IMessageQueue Responses);
