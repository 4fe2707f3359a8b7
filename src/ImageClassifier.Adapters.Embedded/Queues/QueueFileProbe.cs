using ImageClassifier.Adapters.Embedded.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>Reads a queue's file in a new session. An old session has much of the file in memory, and would not notice
/// damage for long.</summary>
internal sealed class QueueFileProbe : SqliteSession
{
    private readonly SqliteStatement _contents;
    private readonly SqliteStatement _tables;

    public QueueFileProbe(string path) : base(path, QueueSchema.Schema, create: false)
    {
        _contents = Statement("SELECT contents FROM file");
        _tables = Statement("SELECT EXISTS (SELECT 1 FROM messages) + EXISTS (SELECT 1 FROM deduplication)");
    }

    /// <summary>The identity of the file's contents.</summary>
    public string Contents()
    {
        _tables.Number();
        return _contents.Rows(row => row.GetString(0)).FirstOrDefault() ?? "";
    }
}
