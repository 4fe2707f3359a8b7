using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>A SQLite file that several processes share.</summary>
internal static class SqliteDatabase
{
    /// <summary>SQLite's own clock as whole milliseconds since 1970, in SQL. Whatever must agree between processes is
    /// told by it, and never by a caller's clock.</summary>
    public const string Now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

    private const int BusySeconds = 5;

    // The same number on Linux and macOS.
    private const int ReadAndWrite = 6;

    /// <summary>Opens the file, creates it and its folder where they are missing, and sees to its schema.</summary>
    /// <param name="path">The file.</param>
    /// <param name="schema">Statements that may run again and again.</param>
    public static SqliteConnection Open(string path, string schema)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            // A closed queue must let go of its file.
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ToString());
        try
        {
            connection.Open();
            // NORMAL survives a killed process; only a power cut can lose the last commits.
            Execute(connection, $"""
                PRAGMA busy_timeout = {BusySeconds * 1000};
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = NORMAL;
                """);
            Execute(connection, $"BEGIN IMMEDIATE; {schema} COMMIT;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
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
