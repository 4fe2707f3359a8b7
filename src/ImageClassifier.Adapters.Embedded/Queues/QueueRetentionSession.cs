using ImageClassifier.Adapters.Embedded.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>A session on a queue database that deletes old messages of all its queues.</summary>
internal sealed class QueueRetentionSession : SqliteSession
{
    private readonly SqliteStatement _remove;

    public QueueRetentionSession(string path) : base(path, QueueSchema.Schema, create: false)
    {
        _remove = Statement("DELETE FROM messages WHERE sent_at < $before", "$before");
    }

    public int RemoveSentBefore(DateTimeOffset before) => _remove.Execute(before.ToUnixTimeMilliseconds());
}
