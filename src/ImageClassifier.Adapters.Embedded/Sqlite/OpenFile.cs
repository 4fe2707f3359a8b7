using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>The file behind an open connection, as the path may no longer lead to it.</summary>
internal static class OpenFile
{
    // SQLITE_FCNTL_HAS_MOVED and SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE.
    private const int HasMovedControl = 20;
    private const int NoCheckpointOnClose = 1006;

    /// <summary>Whether the file was deleted, moved or replaced since it was opened. Unix lets that happen to an open
    /// file, and who has it open goes on with it alone. One call to the system.</summary>
    public static bool HasMoved(SqliteConnection connection)
    {
        var moved = 0;
        var isAnswered = connection.Handle is { } handle && Control(handle, 0, HasMovedControl, ref moved) == 0;
        return isAnswered && moved != 0;
    }

    /// <summary>Closing will write nothing. By its path the file may now be another one, or is damaged, and SQLite
    /// would write to the one and delete the journal of the other.</summary>
    public static void CloseWithoutWriting(SqliteConnection connection)
    {
        if (connection.Handle is { } handle) _ = raw.sqlite3_db_config(handle, NoCheckpointOnClose, 1, out _);
    }

    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int Control(sqlite3 database, nint name, int operation, ref int answer);
}
