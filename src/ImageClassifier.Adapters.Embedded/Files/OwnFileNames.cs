using System.Text.RegularExpressions;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>The names of the files that the program creates in a data folder. A file with another name belongs to
/// someone else, and is neither deleted nor changed.</summary>
internal static partial class OwnFileNames
{
    /// <summary>A new name for a file that is being written.</summary>
    public static string NewTemporary() => $"{Guid.NewGuid():n}.tmp";

    /// <summary>True for the name of a file that is being written.</summary>
    public static bool IsTemporary(string name) => Temporary().IsMatch(name);

    /// <summary>The instance of a lock file; null for other files.</summary>
    public static string? InstanceOfLock(string name) => InstanceOf(Lock().Match(name));

    /// <summary>The instance of a log file, whether the first or a later one; null for other files.</summary>
    public static string? InstanceOfLog(string name) => InstanceOf(Log().Match(name));

    /// <summary>True if the fleet assigned this name. An instance that was started by hand can have any name.</summary>
    public static bool IsOfFleet(string instance) => FleetInstance().IsMatch(instance);

    /// <summary>A new name for the lock file of a web node.</summary>
    public static string NewWebNodeLock() => $"web-{Guid.NewGuid():n}.lock";

    /// <summary>True for the name of a web node's lock file.</summary>
    public static bool IsWebNodeLock(string name) => WebNodeLock().IsMatch(name);

    /// <summary>True for a database, the files that SQLite keeps beside it, a lock or a bell.</summary>
    public static bool IsShared(string name) => Shared().IsMatch(name);

    private static string? InstanceOf(Match match) => match.Success ? match.Groups[1].Value : null;

    [GeneratedRegex(@"\A[0-9a-f]{32}\.tmp\z")]
    private static partial Regex Temporary();

    [GeneratedRegex(@"\A([0-9A-Za-z][0-9A-Za-z-]{0,63})\.lock\z")]
    private static partial Regex Lock();

    [GeneratedRegex(@"\Aweb-[0-9a-f]{32}\.lock\z")]
    private static partial Regex WebNodeLock();

    // Logs are split into several files: node-1.log, node-1_001.log.
    [GeneratedRegex(@"\A([0-9A-Za-z][0-9A-Za-z-]{0,63})(?:_[0-9]{3,})?\.log\z")]
    private static partial Regex Log();

    [GeneratedRegex(@"\Anode-[0-9a-f]{12}\z")]
    private static partial Regex FleetInstance();

    [GeneratedRegex(@"\A(?:(?:requests|responses|fleet)(?:\.db(?:-wal|-shm|-journal)?|\.[a-z-]+\.bell)|web\.lock)\z")]
    private static partial Regex Shared();
}
