namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>What helps where a machine's metadata service does not answer. The service counts network hops: with its
/// default of one no container behind a bridge gets an answer, only silence.</summary>
internal static class MetadataAdvice
{
    /// <summary>For the service itself.</summary>
    public const string InAContainer = "In a container give the host's network, or raise the hop limit to 2 "
        + "(MetadataHopLimit in the template).";

    /// <summary>For credentials, which may come from the service.</summary>
    public const string ForCredentials = "On EC2 they come from the instance's role, by its metadata service. "
        + InAContainer;
}
