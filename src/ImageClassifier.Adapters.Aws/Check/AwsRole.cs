namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Whose permissions a check tries. <c>deploy/iam</c> has a policy for each.</summary>
public enum AwsRole
{
    /// <summary>The web tier.</summary>
    Web,

    /// <summary>An app node.</summary>
    Node,

    /// <summary>The person who deals with dead letters: the verb <c>queue</c>.</summary>
    Operator,

    /// <summary>Whoever creates queues and bucket: <c>aws provision</c>, or the stack.</summary>
    Deployer,
}
