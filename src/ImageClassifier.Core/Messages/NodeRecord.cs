using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Messages;

/// <summary>What a node writes about itself into the store, again and again, at <see cref="ObjectKeys.Node"/>. When
/// the object was last modified, by the store's clock, says when the node was last heard of.</summary>
/// <param name="InstanceId">The node's instance.</param>
/// <param name="State">Where it is in its life: running or draining; ended where it ended with a problem.</param>
/// <param name="PicturesDone">How many jobs it has settled with a result since its start.</param>
/// <param name="PicturesPerSecond">How many it does a second while it has as much to do as it can take; null until it
/// once had.</param>
/// <param name="Model">The model that it runs; null where it ended before it had one.</param>
public sealed record NodeRecord(
    InstanceId InstanceId, InstanceState State, long PicturesDone, double? PicturesPerSecond, ModelIdentity? Model)
    : IStoredDocument
{
    // A record is read by people and shown on a page.
    private const int LongestProblem = 500;

    private readonly string? _problem;

    /// <summary>Why the node ended, where it cannot do its work: one line for the operator. Null otherwise.</summary>
    public string? Problem
    {
        get => _problem;
        init => _problem = OneLine(value);
    }

    /// <summary>Stands for the node's model and settings: equal for nodes that answer alike. Null where the program
    /// that wrote the record knew of none.</summary>
    public string? Fingerprint { get; init; }

    private static string? OneLine(string? text)
    {
        var line = text?.ReplaceLineEndings(" ").Trim();
        return line is { Length: > LongestProblem } ? $"{line[..LongestProblem]}…" : line;
    }

    /// <inheritdoc />
    public bool IsWholeAt(string key) => InstanceId != default && key == ObjectKeys.Node(InstanceId);
}
