using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>A SQLite file that several processes share.</summary>
internal static class SqliteDatabase
{
    private const int BusySeconds = 5;

    // The same number on Linux and macOS.
    private const int ReadAndWrite = 6;

    /// <summary>Opens the file, and brings it to the version of its schema.</summary>
    /// <param name="path">The file.</param>
    /// <param name="schema">What it must be, or become where it is empty.</param>
    /// <param name="create">Whether to make the file, and its folder, where it is missing.</param>
    /// <exception cref="ForeignDatabaseException">The file is not ours, or too new.</exception>
    /// <exception cref="SqliteException">It cannot be opened.</exception>
    public static SqliteConnection Open(string path, DatabaseSchema schema, bool create)
    {
        if (create) Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var connection = Connect(path, create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite);
        try
        {
            // Looks before it writes: a file of someone else's stays as it is.
            var isCurrent = VersionOf(connection, path, schema) == schema.Version;
            // NORMAL survives a killed process; only a power cut can lose the last commits.
            Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
            if (!isCurrent) Migrate(connection, path, schema);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file is there, is no link, and is a database of this schema in any version. It is only
    /// read.</summary>
    public static bool IsOurs(string path, DatabaseSchema schema)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.LinkTarget is not null || file.Length == 0) return false;
        try
        {
            using var connection = Connect(path, SqliteOpenMode.ReadOnly);
            return VersionOf(connection, path, schema) > 0;
        }
        catch (Exception failure) when (failure is ForeignDatabaseException or SqliteException)
        {
            return false;
        }
    }

    /// <summary>Whether the system does not let this user read or write the file: that stays until someone changes its
    /// permissions. SQLite itself does not say why it cannot open a file.</summary>
    /// <param name="failure">What the database said.</param>
    /// <param name="path">Its file.</param>
    public static bool IsRefusal(Exception failure, string path) => failure switch
    {
        SqliteException sqlite => (Result)sqlite.SqliteErrorCode is Result.Permission or Result.ReadOnly
            || ((Result)sqlite.SqliteErrorCode is Result.CannotOpen && !MayUse(path)),
        UnauthorizedAccessException => true,
        _ => false,
    };

    /// <summary>Whether a failure lies in the file or its use by others, and not in what was asked.</summary>
    public static bool IsUnavailable(Exception failure) => failure switch
    {
        SqliteException sqlite => (Result)sqlite.SqliteErrorCode is Result.Permission or Result.Busy or Result.Locked
            or Result.NoMemory or Result.ReadOnly or Result.Io or Result.Corrupt or Result.Full or Result.CannotOpen
            or Result.Protocol or Result.NoDatabase,
        IOException or UnauthorizedAccessException => true,
        _ => false,
    };

    /// <summary>Whether the bytes of the file are not what SQLite wrote.</summary>
    public static bool IsDamaged(Exception failure) =>
        failure is SqliteException sqlite && (Result)sqlite.SqliteErrorCode is Result.Corrupt or Result.NoDatabase;

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            // A closed queue must let go of its file.
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ToString());
        try
        {
            connection.Open();
            Execute(connection, $"PRAGMA busy_timeout = {BusySeconds * 1000};");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The version of the schema that the file has; 0 where it is empty.</summary>
    private static long VersionOf(SqliteConnection connection, string path, DatabaseSchema schema)
    {
        var application = Number(connection, "PRAGMA application_id");
        var version = Number(connection, "PRAGMA user_version");
        if (application == schema.ApplicationId)
        {
            return version <= schema.Version ? version : throw new ForeignDatabaseException(
                $"{schema.Name} in {path} is of a newer version of this program. Use that version, or move it away");
        }

        if (application == 0 && version == 0)
        {
            if (Number(connection, "SELECT count(*) FROM sqlite_master") == 0) return 0;
            if (schema.FirstVersion.All(query => Works(connection, query))) return 1;
        }

        throw new ForeignDatabaseException(
            $"{path} is a database of something else, where {schema.Name} should be. Move the file away");
    }

    private static void Migrate(SqliteConnection connection, string path, DatabaseSchema schema)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        // Another process may have done it while this one waited for its turn.
        var version = VersionOf(connection, path, schema);
        for (var step = (int)version; step < schema.Version; step++) Execute(connection, schema.Steps[step]);
        if (version == 0 && schema.WhenNew.Length > 0) Execute(connection, schema.WhenNew);
        Execute(connection, string.Create(CultureInfo.InvariantCulture,
            $"PRAGMA application_id = {schema.ApplicationId}; PRAGMA user_version = {schema.Version};"));
        transaction.Commit();
    }

    private static bool Works(SqliteConnection connection, string query)
    {
        try
        {
            Number(connection, query);
            return true;
        }
        catch (SqliteException failure) when (!IsUnavailable(failure))
        {
            return false;
        }
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as long? ?? 0;
    }

    // Asked of the system without opening the file: closing it again would drop the locks that SQLite has on it.
    private static bool MayUse(string path) =>
        OperatingSystem.IsWindows() || !File.Exists(path) || Access(path, ReadAndWrite) == 0;

    [DllImport("libc", EntryPoint = "access", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Access([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int mode);

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    // The primary result codes of sqlite.org/rescode.html.
    private enum Result
    {
        Permission = 3,
        Busy = 5,
        Locked = 6,
        NoMemory = 7,
        ReadOnly = 8,
        Io = 10,
        Corrupt = 11,
        Full = 13,
        CannotOpen = 14,
        Protocol = 15,
        NoDatabase = 26,
    }
}
