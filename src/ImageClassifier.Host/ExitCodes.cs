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

    /// <summary><c>send</c> was interrupted (Ctrl-C). The printed command goes on. As shells count: 128 and the number of
    /// the signal.</summary>
    public const int Interrupted = 130;
}
