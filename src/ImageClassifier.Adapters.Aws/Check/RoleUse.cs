using ImageClassifier.Core.Storage;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>The calls of a role on a queue.</summary>
[Flags]
internal enum QueueUse
{
    None = 0,

    /// <summary>Reads the attributes.</summary>
    ReadAttributes = 1,

    Send = 2,

    /// <summary>Receives, deletes and extends.</summary>
    Receive = 4,
}

/// <summary>The calls of a role on AWS. A check may assume that no other call is allowed.</summary>
/// <param name="Requests">The calls on the queue of jobs.</param>
/// <param name="Responses">The calls on the queue of results.</param>
/// <param name="RequestDeadLetters">The calls on the dead letters of jobs.</param>
/// <param name="ResponseDeadLetters">The calls on the dead letters of results.</param>
internal sealed record RoleUse(
    QueueUse Requests, QueueUse Responses, QueueUse RequestDeadLetters, QueueUse ResponseDeadLetters)
{
    /// <summary>True if the role may store and delete objects of any name, so that a check can store one.</summary>
    public bool StoresAnything { get; private init; }

    /// <summary>The keys of the objects that it reads: <c>*</c> is any text.</summary>
    public IReadOnlyList<string> Reads { get; private init; } = [];

    /// <summary>The keys of the objects that it stores.</summary>
    public IReadOnlyList<string> Writes { get; private init; } = [];

    /// <summary>The keys of the objects that it deletes.</summary>
    public IReadOnlyList<string> Deletes { get; private init; } = [];

    /// <summary>The keys of the large objects that it stores in parts.</summary>
    public IReadOnlyList<string> Uploads { get; private init; } = [];

    /// <summary>True if it may read the settings of the bucket.</summary>
    public bool SeesBucketSettings { get; private init; }

    /// <summary>True if it launches app nodes.</summary>
    public bool Launches { get; private init; }

    /// <summary>True if the role sends, receives, stores or reads data that a key of KMS encrypts.</summary>
    public bool UsesKey { get; private init; } = true;

    /// <summary>The permissions that only a real call could check; null if there are none.</summary>
    public string? Untried { get; private init; }

    /// <summary>The calls of each role.</summary>
    public static RoleUse Of(AwsRole role) => role switch
    {
        AwsRole.Web => new RoleUse(
            QueueUse.Send | QueueUse.ReadAttributes,
            QueueUse.Receive | QueueUse.ReadAttributes,
            QueueUse.ReadAttributes,
            QueueUse.ReadAttributes)
        {
            StoresAnything = true,
            Uploads = ["*"],
            SeesBucketSettings = true,
            Launches = true,
            Untried = "ec2:TerminateInstances, because it takes an app node to try it on",
        },
        AwsRole.Node => new RoleUse(
            QueueUse.Receive | QueueUse.ReadAttributes,
            QueueUse.Send | QueueUse.ReadAttributes,
            QueueUse.None,
            QueueUse.None)
        {
            Reads = [$"{ObjectKeys.Images}*", $"{ObjectKeys.Results}*", $"{ObjectKeys.Models}*"],
            // A node must not be able to change the files of a model.
            Writes = [$"{ObjectKeys.Results}*", $"{ObjectKeys.Nodes}*", $"{ObjectKeys.Models}*/verdict.json"],
            Deletes = [$"{ObjectKeys.Nodes}*"],
        },
        AwsRole.Operator => new RoleUse(QueueUse.Send, QueueUse.Send, QueueUse.Receive, QueueUse.Receive)
        {
            Reads = [$"{ObjectKeys.Batches}*", $"{ObjectKeys.Results}*", $"{ObjectKeys.Models}*"],
            Writes = [$"{ObjectKeys.Batches}*", $"{ObjectKeys.Models}*"],
            Deletes = [$"{ObjectKeys.Results}*", $"{CallbackKeys.Dead}*", $"{ObjectKeys.Models}*"],
            Uploads = [$"{ObjectKeys.Models}*"],
        },
        AwsRole.Deployer => new RoleUse(
            QueueUse.ReadAttributes, QueueUse.ReadAttributes, QueueUse.ReadAttributes, QueueUse.ReadAttributes)
        {
            SeesBucketSettings = true,
            UsesKey = false,
            Untried = "creating and changing queues, bucket, roles and stacks, because nothing tries that without "
                + "doing it",
        },
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "No such role."),
    };
}
