using ImageClassifier.Adapters.Embedded.Sqlite;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The tables of a state file.</summary>
internal static class SendSchema
{
    // "ICsn"
    private const int ApplicationId = 0x4943736E;

    /// <summary>A file without a chunk and a status waits to be sent. A chunk without a batch has no answer yet. A file
    /// without a status in a chunk with a batch waits for its result.</summary>
    public static DatabaseSchema Schema { get; } = new(
        "The state of a send",
        ApplicationId,
        Steps:
        [
            """
            CREATE TABLE send (server TEXT NOT NULL, key_hash TEXT NOT NULL, listed INTEGER NOT NULL);
            CREATE TABLE chunks (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                key TEXT NOT NULL,
                formed_at INTEGER NOT NULL,
                batch TEXT,
                after_event TEXT);
            CREATE TABLE files (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                path TEXT NOT NULL UNIQUE,
                shown TEXT NOT NULL,
                in_folder INTEGER NOT NULL,
                chunk INTEGER,
                size INTEGER,
                changed INTEGER,
                job TEXT,
                status TEXT,
                outcome TEXT);
            CREATE INDEX files_to_send ON files (id) WHERE chunk IS NULL AND status IS NULL;
            CREATE INDEX files_of_chunk ON files (chunk, job);
            """,
        ],
        FirstVersion: ["SELECT key_hash FROM send LIMIT 0"]);
}
