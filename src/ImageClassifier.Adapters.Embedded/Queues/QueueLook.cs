using ImageClassifier.Adapters.Embedded.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>A look at a queue's file as a process sees it that opens it now. A session that is open has much of the
/// file in memory, and would not see damage for long.</summary>
internal sealed class QueueLook : SqliteSession
{
    private readonly SqliteStatement _contents;
    private readonly SqliteStatement _tables;

    public QueueLook(string path) : base(path, QueueSchema.Schema, create: false)
    {
        _contents = Statement("SELECT contents FROM file");
        _tables = Statement("SELECT EXISTS (SELECT 1 FROM messages) + EXISTS (SELECT 1 FROM deduplication)");
    }

    /// <summary>What the file names its contents.</summary>
    public string Contents()
    {
        _tables.Number();
        return _contents.Rows(row => row.GetString(0)).FirstOrDefault() ?? "";
    }
}
