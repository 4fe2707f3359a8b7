namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>Advice for a machine whose metadata service does not answer. The service allows one network hop by default,
/// so a container behind a bridge gets no answer.</summary>
internal static class MetadataAdvice
{
    /// <summary>For a call to the service itself.</summary>
    public const string InAContainer = "In a container give the host's network, or raise the hop limit to 2 "
        + "(MetadataHopLimit in the template).";

    /// <summary>For credentials, which the service may provide.</summary>
    public const string ForCredentials = "On EC2 they come from the instance's role, by its metadata service. "
        + InAContainer;
}
