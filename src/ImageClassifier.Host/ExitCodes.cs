namespace ImageClassifier.Host;

/// <summary>The exit codes of the program. Scripts rely on them.</summary>
public static class ExitCodes
{
    /// <summary>All work is done.</summary>
    public const int Done = 0;

    /// <summary>Some of the work failed, or was interrupted (Ctrl-C) before it was done.</summary>
    public const int SomeFailed = 1;

    /// <summary>The command line or a setting is wrong; nothing was done.</summary>
    public const int WrongUse = 2;
}
