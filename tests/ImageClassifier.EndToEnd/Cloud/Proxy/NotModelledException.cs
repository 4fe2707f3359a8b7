namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>These tests do not know a part of a policy or a call. They never guess whether it is allowed.</summary>
internal sealed class NotModelledException(string what) : Exception($"The policy proxy does not know {what}.");
