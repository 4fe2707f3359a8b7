using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>The heartbeat of a node: a record that it writes at regular intervals to <see cref="ObjectKeys.Node"/>. The
/// object's modification time, by the store's clock, is the time of the last heartbeat.</summary>
/// <param name="InstanceId">The node's instance.</param>
/// <param name="State">The state of the node: running or draining; ended if a problem ended it.</param>
/// <param name="PicturesDone">The number of jobs that it has settled with a result since its start.</param>
/// <param name="PicturesPerSecond">The jobs a second under full load; null until the node has been under full
/// load.</param>
/// <param name="Model">The model of the node; null if the node ended before it loaded one.</param>
public sealed record NodeRecord(
    InstanceId InstanceId, InstanceState State, long PicturesDone, double? PicturesPerSecond, ModelIdentity? Model)
    : IStoredDocument
{
    // People read the record, and a page shows it.
    private const int LongestProblem = 500;

    private readonly string? _problem;

    /// <summary>Why the node cannot do its work: one line for the operator. Null if it can.</summary>
    public string? Problem
    {
        get => _problem;
        init => _problem = OneLine(value);
    }

    /// <summary>Identifies the node's model and settings: equal for nodes that give equal results. Null if the program
    /// that wrote the record had none.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>How the node runs its model; null if the node ended before it ran one.</summary>
    public RunArrangement? Arrangement { get; init; }

    /// <summary>The models of the registry that the node has loaded beside its own; null if there are none.</summary>
    public IReadOnlyList<ModelIdentity>? Loaded { get; init; }

    private static string? OneLine(string? text)
    {
        var line = text?.ReplaceLineEndings(" ").Trim();
        return line is { Length: > LongestProblem } ? $"{line[..LongestProblem]}…" : line;
    }

    /// <inheritdoc />
    public bool IsWholeAt(string key) => InstanceId != default && key == ObjectKeys.Node(InstanceId);
}
