namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>An action of provisioning on one resource; in a dry run, the action that it would take.</summary>
/// <param name="Resource">What it is about: <c>queue jobs.fifo</c>.</param>
/// <param name="Kind">What it did.</param>
/// <param name="Detail">What exactly: <c>VisibilityTimeout from 60 to 30</c>; empty where nothing is to be
/// told.</param>
public sealed record ProvisioningAction(string Resource, ProvisioningActionKind Kind, string Detail = "")
{
    /// <summary>The action in one line, for people.</summary>
    public override string ToString() => Kind switch
    {
        ProvisioningActionKind.Created => $"created {Resource}",
        ProvisioningActionKind.Changed => $"changed {Resource}: {Detail}",
        _ => $"{Resource} is as it should be",
    };
}

/// <summary>What provisioning can do with a resource.</summary>
public enum ProvisioningActionKind
{
    /// <summary>It was not there.</summary>
    Created,

    /// <summary>It was otherwise.</summary>
    Changed,

    /// <summary>Nothing.</summary>
    Unchanged,
}
