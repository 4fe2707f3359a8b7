namespace ImageClassifier.Host;

/// <summary>What the program ends with; scripts rely on it.</summary>
public static class ExitCodes
{
    /// <summary>All was done.</summary>
    public const int Done = 0;

    /// <summary>Some of the work failed, or was interrupted (Ctrl-C) before it was done.</summary>
    public const int SomeFailed = 1;

    /// <summary>The command line or a setting is wrong; nothing was done.</summary>
    public const int WrongUse = 2;
}
