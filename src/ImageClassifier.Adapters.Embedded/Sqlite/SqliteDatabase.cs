using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>Opens SQLite files that several processes share, and reads their failures.</summary>
internal static class SqliteDatabase
{
    private const int BusySeconds = 5;

    // This number is the same on Linux and macOS.
    private const int ReadAndWrite = 6;

    /// <summary>Opens a file and migrates it to the version of its schema.</summary>
    /// <param name="path">The file.</param>
    /// <param name="schema">The schema of the file. An empty file gets it.</param>
    /// <param name="create">True to create a missing file and its folder.</param>
    /// <exception cref="ForeignDatabaseException">The file belongs to something else, or is too new.</exception>
    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public static SqliteConnection Open(string path, DatabaseSchema schema, bool create)
    {
        if (create) Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var connection = Connect(path, create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite);
        try
        {
            // Checked before any write, so that the file of another program stays unchanged.
            var isCurrent = SnapshotVersionOf(connection, path, schema) == schema.Version;
            // NORMAL survives a killed process. Only a power cut can lose the last commits.
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

    /// <summary>True if the file exists, is no link, and has this schema in any version. Only reads the file.</summary>
    public static bool IsOurs(string path, DatabaseSchema schema)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.LinkTarget is not null || file.Length == 0) return false;
        try
        {
            using var connection = Connect(path, SqliteOpenMode.ReadOnly);
            return SnapshotVersionOf(connection, path, schema) > 0;
        }
        catch (Exception failure) when (failure is ForeignDatabaseException or SqliteException)
        {
            return false;
        }
    }

    /// <summary>True if this user lacks the permission to read or write the file, which lasts until someone changes it.
    /// SQLite itself does not report why it cannot open a file.</summary>
    /// <param name="failure">The failure of a call.</param>
    /// <param name="path">The file.</param>
    public static bool IsRefusal(Exception failure, string path) => failure switch
    {
        SqliteException sqlite => (Result)sqlite.SqliteErrorCode is Result.Permission or Result.ReadOnly
            || ((Result)sqlite.SqliteErrorCode is Result.CannotOpen && !MayUse(path)),
        UnauthorizedAccessException => true,
        _ => false,
    };

    /// <summary>True if a failure comes from the file or from other users of it, and not from the call.</summary>
    public static bool IsUnavailable(Exception failure) => failure switch
    {
        SqliteException sqlite => (Result)sqlite.SqliteErrorCode is Result.Permission or Result.Busy or Result.Locked
            or Result.NoMemory or Result.ReadOnly or Result.Io or Result.Corrupt or Result.Full or Result.CannotOpen
            or Result.Protocol or Result.NoDatabase,
        IOException or UnauthorizedAccessException => true,
        _ => false,
    };

    /// <summary>True if the file is damaged.</summary>
    public static bool IsDamaged(Exception failure) =>
        failure is SqliteException sqlite && (Result)sqlite.SqliteErrorCode is Result.Corrupt or Result.NoDatabase;

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            // A closed queue must release its file.
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

    // One transaction for all reads: between two of them another process may create the schema.
    private static long SnapshotVersionOf(SqliteConnection connection, string path, DatabaseSchema schema)
    {
        using var snapshot = connection.BeginTransaction(deferred: true);
        return VersionOf(connection, path, schema);
    }

    /// <summary>The version of the file's schema; 0 if the file is empty. Needs a transaction.</summary>
    private static long VersionOf(SqliteConnection connection, string path, DatabaseSchema schema)
    {
        var application = Number(connection, "PRAGMA application_id");
        var version = Number(connection, "PRAGMA user_version");
        if (application == schema.ApplicationId)
        {
            return version <= schema.Version ? version : throw new ForeignDatabaseException(
                $"{schema.Name} in {path} belongs to a newer version of this program. "
                + "Use that version, or move the file away");
        }

        if (application == 0 && version == 0)
        {
            if (Number(connection, "SELECT count(*) FROM sqlite_master") == 0) return 0;
            if (schema.FirstVersion.All(query => Works(connection, query))) return 1;
        }

        throw new ForeignDatabaseException(
            $"{path} is another program's database. {schema.Name} should be there. Move the file away");
    }

    private static void Migrate(SqliteConnection connection, string path, DatabaseSchema schema)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        // Another process may have migrated the file while this one waited for the transaction.
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

    // Asks the system without opening the file, because closing the file again would drop SQLite's locks on it.
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
