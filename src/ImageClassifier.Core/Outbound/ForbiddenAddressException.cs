namespace ImageClassifier.Core.Outbound;

/// <summary>A host has an address to which the service does not connect.</summary>
/// <param name="host">The host.</param>
public sealed class ForbiddenAddressException(string host)
    : IOException($"{host} has an address that is not public, or that needs https");
