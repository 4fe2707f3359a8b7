using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>An open database with its prepared statements. One thread uses it at a time.</summary>
internal abstract class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<SqliteStatement> _statements = [];
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;

    protected SqliteSession(string path, DatabaseSchema schema, bool create = true)
    {
        _connection = SqliteDatabase.Open(path, schema, create);
        // IMMEDIATE waits for its turn to write at the start, where nothing has to be undone; a deferred transaction
        // that turns into a writer fails instead.
        _begin = Statement("BEGIN IMMEDIATE");
        _commit = Statement("COMMIT");
    }

    /// <summary>Whether the path leads to the file no more.</summary>
    public bool FileHasMoved => OpenFile.HasMoved(_connection);

    public void Dispose()
    {
        if (FileHasMoved) OpenFile.CloseWithoutWriting(_connection);
        foreach (var statement in _statements) statement.Dispose();
        _connection.Dispose();
    }

    /// <summary>Disposes of the session after a failure. A damaged file is left as it is.</summary>
    public void DisposeAfter(Exception failure)
    {
        if (SqliteDatabase.IsDamaged(failure) || failure is ForeignDatabaseException)
            OpenFile.CloseWithoutWriting(_connection);
        Dispose();
    }

    /// <summary>Prepares a statement for the life of the session.</summary>
    protected SqliteStatement Statement(string sql, params ReadOnlySpan<string> parameters)
    {
        var statement = new SqliteStatement(_connection, sql, parameters);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs work in a write transaction. When it throws, the transaction stays open until the session is
    /// disposed of, which undoes it: <see cref="SqliteThread{TSession}"/> does so after every failure.</summary>
    protected T Transact<T>(Func<T> work)
    {
        _begin.Execute();
        var result = work();
        _commit.Execute();
        return result;
    }
}
