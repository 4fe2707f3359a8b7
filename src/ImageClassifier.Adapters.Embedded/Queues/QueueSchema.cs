using ImageClassifier.Adapters.Embedded.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>The tables of a queue's database.</summary>
/// <remarks>
/// Version 1 measured leases and deduplication by the wall clock. Since version 2, <c>free_at</c> and <c>taken_at</c>
/// are times of <see cref="MachineClock"/>. The columns have new names, so that version 1 of the program fails instead
/// of misreading them. <c>sent_at</c> is of the wall clock. Since version 3, triggers count
/// the messages of each queue, so that measuring a queue takes no longer when more messages wait.
/// </remarks>
internal static class QueueSchema
{
    // "ICqu"
    private const int ApplicationId = 0x49437175;

    /// <summary>Gives the contents a new identity.</summary>
    public const string NewContents = "contents = lower(hex(randomblob(16)))";

    public static DatabaseSchema Schema { get; } = new(
        "The queue",
        ApplicationId,
        Steps:
        [
            """
            CREATE TABLE messages (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                queue TEXT NOT NULL,
                group_id TEXT NOT NULL,
                body TEXT NOT NULL,
                sent_at INTEGER NOT NULL,
                visible_at INTEGER NOT NULL DEFAULT 0,
                receives INTEGER NOT NULL DEFAULT 0);
            CREATE INDEX messages_in_order ON messages (queue, id);
            CREATE INDEX messages_by_group ON messages (queue, group_id, visible_at);
            CREATE INDEX messages_received ON messages (queue, receives, visible_at) WHERE receives > 0;
            CREATE TABLE deduplication (
                queue TEXT NOT NULL,
                deduplication_id TEXT NOT NULL,
                sent_at INTEGER NOT NULL,
                PRIMARY KEY (queue, deduplication_id)) WITHOUT ROWID;
            CREATE INDEX deduplication_by_age ON deduplication (queue, sent_at);
            """,
            """
            ALTER TABLE messages RENAME COLUMN visible_at TO free_at;
            ALTER TABLE deduplication RENAME COLUMN sent_at TO taken_at;
            UPDATE messages SET free_at = 0;
            UPDATE deduplication SET taken_at = 0;
            CREATE TABLE file (contents TEXT NOT NULL, boot TEXT NOT NULL);
            INSERT INTO file (contents, boot) VALUES ('', '');
            """,
            """
            CREATE TABLE counts (queue TEXT PRIMARY KEY, messages INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO counts (queue, messages) SELECT queue, count(*) FROM messages GROUP BY queue;
            CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN
                INSERT INTO counts (queue, messages) VALUES (new.queue, 1)
                    ON CONFLICT DO UPDATE SET messages = messages + 1;
            END;
            CREATE TRIGGER message_removed AFTER DELETE ON messages BEGIN
                UPDATE counts SET messages = messages - 1 WHERE queue = old.queue;
            END;
            CREATE TRIGGER message_moved AFTER UPDATE OF queue ON messages BEGIN
                UPDATE counts SET messages = messages - 1 WHERE queue = old.queue;
                INSERT INTO counts (queue, messages) VALUES (new.queue, 1)
                    ON CONFLICT DO UPDATE SET messages = messages + 1;
            END;
            """,
        ],
        FirstVersion:
        [
            "SELECT id, queue, group_id, body, sent_at, visible_at, receives FROM messages LIMIT 0",
            "SELECT queue, deduplication_id, sent_at FROM deduplication LIMIT 0",
        ],
        WhenNew: $"UPDATE file SET {NewContents};");
}
