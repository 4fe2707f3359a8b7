namespace ImageClassifier.Adapters.Aws.Provisioning;

/// <summary>An action of provisioning on one resource. In a dry run it is not carried out.</summary>
/// <param name="Resource">The resource: <c>queue jobs.fifo</c>.</param>
/// <param name="Kind">The kind of action.</param>
/// <param name="Detail">The change: <c>VisibilityTimeout from 60 to 30</c>; empty if there is nothing to
/// report.</param>
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

/// <summary>The kinds of actions on a resource.</summary>
public enum ProvisioningActionKind
{
    /// <summary>The resource was missing.</summary>
    Created,

    /// <summary>The resource had other settings.</summary>
    Changed,

    /// <summary>Nothing.</summary>
    Unchanged,
}
