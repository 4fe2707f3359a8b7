namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>A policy or a call has something that these tests do not know. They never guess whether it is
/// allowed.</summary>
internal sealed class NotModelledException(string what) : Exception($"The policy proxy does not know {what}.");
