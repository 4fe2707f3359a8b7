using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>The file of an open connection. Its path may lead to another file by now.</summary>
internal static class OpenFile
{
    // SQLITE_FCNTL_HAS_MOVED and SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE.
    private const int HasMovedControl = 20;
    private const int NoCheckpointOnClose = 1006;

    /// <summary>True if the file was deleted, moved or replaced since it was opened. Unix allows that, and the open
    /// file lives on without its path. Costs one system call.</summary>
    public static bool HasMoved(SqliteConnection connection)
    {
        var moved = 0;
        var isAnswered = connection.Handle is { } handle && Control(handle, 0, HasMovedControl, ref moved) == 0;
        return isAnswered && moved != 0;
    }

    /// <summary>Closes the connection without a checkpoint. The path may lead to another file, or the file is damaged.
    /// SQLite would write to that file and delete its journal.</summary>
    public static void CloseWithoutWriting(SqliteConnection connection)
    {
        if (connection.Handle is { } handle) _ = raw.sqlite3_db_config(handle, NoCheckpointOnClose, 1, out _);
    }

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int Control(sqlite3 database, nint name, int operation, ref int answer);
}
