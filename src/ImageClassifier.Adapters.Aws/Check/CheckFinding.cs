namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>The result of one check.</summary>
public enum CheckVerdict
{
    /// <summary>It was checked, and is right.</summary>
    Good,

    /// <summary>It was not checked, so it may be wrong.</summary>
    NotChecked,

    /// <summary>It is wrong: the program cannot work, or works badly.</summary>
    Problem,
}

/// <summary>One thing that a check is about.</summary>
/// <param name="Subject">The checked resource: <c>queue jobs.fifo</c>.</param>
/// <param name="Verdict">The verdict.</param>
/// <param name="Text">The result in one line; for a problem, its cause and what to do.</param>
public sealed record CheckFinding(string Subject, CheckVerdict Verdict, string Text)
{
    /// <summary>True if something is wrong.</summary>
    public bool IsProblem => Verdict == CheckVerdict.Problem;

    /// <summary>One line for people.</summary>
    public override string ToString() => $"{Begin}: {Subject}: {Text}";

    private string Begin => Verdict switch
    {
        CheckVerdict.Good => "ok",
        CheckVerdict.NotChecked => "not checked",
        _ => "wrong",
    };

    internal static CheckFinding Good(string subject, string text) => new(subject, CheckVerdict.Good, text);

    internal static CheckFinding NotChecked(string subject, string text) =>
        new(subject, CheckVerdict.NotChecked, text);

    internal static CheckFinding Problem(string subject, string text) => new(subject, CheckVerdict.Problem, text);
}
