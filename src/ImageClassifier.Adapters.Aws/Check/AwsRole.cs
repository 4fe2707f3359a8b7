namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>The role whose permissions a check tries. <c>deploy/iam</c> has a policy for each.</summary>
public enum AwsRole
{
    /// <summary>The web tier.</summary>
    Web,

    /// <summary>An app node.</summary>
    Node,

    /// <summary>The person who handles dead letters (<c>queue</c>) and models (<c>models push</c>).</summary>
    Operator,

    /// <summary>The person or pipeline that creates the queues and the bucket, by <c>aws provision</c> or the
    /// stack.</summary>
    Deployer,
}
