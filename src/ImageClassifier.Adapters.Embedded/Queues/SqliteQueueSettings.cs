using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>The settings of a <see cref="SqliteMessageQueue"/>.</summary>
public sealed record SqliteQueueSettings
{
    private static readonly TimeSpan DefaultDeduplicationWindow = TimeSpan.FromMinutes(5);

    /// <summary>Describes a queue with a receive limit and a dead-letter queue.</summary>
    /// <param name="databasePath">The SQLite file. A missing file is created. Several queues can share a file.</param>
    /// <param name="name">The name of the queue in the file and in settings keys: <c>requests</c>.</param>
    /// <param name="maxReceives">The receive limit, at least 1. After this many receives, a message whose lease ends
    /// moves to the dead-letter queue.</param>
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
            throw new InvalidSettingException(EmbeddedLayout.DataFolderKey, databasePath, "a folder's path is needed");
        DatabasePath = Path.GetFullPath(databasePath);
        Name = name;
        DeduplicationWindow = DefaultDeduplicationWindow;
    }

    /// <summary>The SQLite file.</summary>
    public string DatabasePath { get; }

    /// <summary>The name of the queue in the file.</summary>
    public string Name { get; }

    /// <summary>The most receives of a message; null for a dead-letter queue, which has no limit.</summary>
    public int? MaxReceives { get; private init; }

    /// <summary>The name of the dead-letter queue; null for a dead-letter queue.</summary>
    public string? DeadLetterName { get; private init; }

    /// <summary>How long a deduplication id is remembered: more than zero, and 5 minutes by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not more than zero.</exception>
    public TimeSpan DeduplicationWindow
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    }

    /// <summary>True if the queue creates a missing file. One process does; the others wait for it.</summary>
    public bool CreatesFile { get; init; } = true;

    /// <summary>The settings of this queue's dead-letter queue, which is read like any queue.</summary>
    /// <exception cref="InvalidOperationException">This is a dead-letter queue.</exception>
    public SqliteQueueSettings DeadLetters() => new(
        DatabasePath,
        DeadLetterName ?? throw new InvalidOperationException("A dead-letter queue has no dead-letter queue."))
    {
        CreatesFile = CreatesFile,
    };
}
