using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>A prepared statement. Its values are passed by position.</summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly SqliteCommand _command;

    /// <param name="connection">The connection of the statement.</param>
    /// <param name="sql">The constant text of the statement.</param>
    /// <param name="parameters">The names of the parameters, in the order of the values.</param>
    public SqliteStatement(SqliteConnection connection, string sql, params ReadOnlySpan<string> parameters)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        foreach (var name in parameters) _command.Parameters.Add(new SqliteParameter { ParameterName = name });
    }

    /// <summary>Runs the statement.</summary>
    /// <returns>The number of changed rows.</returns>
    public int Execute(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <summary>Runs the statement and reads a number; null if there is no row, or its value is null.</summary>
    public long? Number(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteScalar() as long?;
    }

    /// <summary>Runs the statement and reads its rows.</summary>
    public List<T> Rows<T>(Func<SqliteDataReader, T> read, params ReadOnlySpan<object> values)
    {
        Bind(values);
        var rows = new List<T>();
        using var reader = _command.ExecuteReader();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object> values)
    {
        if (values.Length != _command.Parameters.Count)
            throw new ArgumentException("A statement takes one value for each of its parameters.", nameof(values));
        for (var i = 0; i < values.Length; i++) _command.Parameters[i].Value = values[i];
    }
}
