using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>An open database and its prepared statements. Only one thread at a time may use it.</summary>
internal abstract class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<SqliteStatement> _statements = [];
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;

    protected SqliteSession(string path, DatabaseSchema schema, bool create = true)
    {
        _connection = SqliteDatabase.Open(path, schema, create);
        // IMMEDIATE waits for the write lock at the start of the transaction. A deferred transaction fails when it
        // begins to write while another process writes.
        _begin = Statement("BEGIN IMMEDIATE");
        _commit = Statement("COMMIT");
    }

    /// <summary>True if the path does not lead to the open file any more.</summary>
    public bool FileHasMoved => OpenFile.HasMoved(_connection);

    public void Dispose()
    {
        if (FileHasMoved) OpenFile.CloseWithoutWriting(_connection);
        foreach (var statement in _statements) statement.Dispose();
        _connection.Dispose();
    }

    /// <summary>Disposes of the session after a failure. A damaged file is not written.</summary>
    public void DisposeAfter(Exception failure)
    {
        if (SqliteDatabase.IsDamaged(failure) || failure is ForeignDatabaseException)
            OpenFile.CloseWithoutWriting(_connection);
        Dispose();
    }

    /// <summary>Prepares a statement for the lifetime of the session.</summary>
    protected SqliteStatement Statement(string sql, params ReadOnlySpan<string> parameters)
    {
        var statement = new SqliteStatement(_connection, sql, parameters);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs work in a write transaction. If the work throws, the transaction stays open, and disposing of the
    /// session rolls it back. <see cref="SqliteThread{TSession}"/> disposes of its session after every
    /// failure.</summary>
    protected T Transact<T>(Func<T> work)
    {
        _begin.Execute();
        var result = work();
        _commit.Execute();
        return result;
    }
}
