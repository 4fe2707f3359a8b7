using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>What a <see cref="SqliteMessageQueue"/> is.</summary>
public sealed record SqliteQueueSettings
{
    private static readonly TimeSpan DefaultDeduplicationWindow = TimeSpan.FromMinutes(5);

    /// <summary>A queue with a limit of receives and a dead-letter queue.</summary>
    /// <param name="databasePath">Its SQLite file; created where it is missing. Several queues can share one.</param>
    /// <param name="name">Its name within the file, which is also its name in the settings' keys:
    /// <c>requests</c>.</param>
    /// <param name="maxReceives">At least 1: a message that was received so often and comes free again goes to the
    /// dead-letter queue instead of being received once more.</param>
    /// <exception cref="InvalidSettingException">The path is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxReceives"/> is below 1.</exception>
    public SqliteQueueSettings(string databasePath, string name, int maxReceives)
        : this(databasePath, name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxReceives, 1);
        MaxReceives = maxReceives;
        DeadLetterName = $"{name}-dead";
    }

    private SqliteQueueSettings(string databasePath, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (string.IsNullOrWhiteSpace(databasePath))
            throw new InvalidSettingException(EmbeddedLayout.DataKey, databasePath, "a folder's path is needed");
        DatabasePath = Path.GetFullPath(databasePath);
        Name = name;
        DeduplicationWindow = DefaultDeduplicationWindow;
    }

    /// <summary>The SQLite file.</summary>
    public string DatabasePath { get; }

    /// <summary>The queue's name within it.</summary>
    public string Name { get; }

    /// <summary>How often a message is received at most; null for a dead-letter queue, which has no limit.</summary>
    public int? MaxReceives { get; private init; }

    /// <summary>Where messages go that were received too often; null for a dead-letter queue.</summary>
    public string? DeadLetterName { get; private init; }

    /// <summary>For how long a deduplication id is remembered: more than zero; 5 minutes unless told
    /// otherwise.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not more than zero.</exception>
    public TimeSpan DeduplicationWindow
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    }

    /// <summary>Whether the queue makes its file where it is missing. One process does, and the others wait for
    /// it.</summary>
    public bool MakesFile { get; init; } = true;

    /// <summary>The dead-letter queue of this queue, to be read like any queue.</summary>
    /// <exception cref="InvalidOperationException">This is a dead-letter queue already.</exception>
    public SqliteQueueSettings DeadLetters() => new(
        DatabasePath,
        DeadLetterName ?? throw new InvalidOperationException("A dead-letter queue has none of its own."))
    {
        MakesFile = MakesFile,
    };
}
