namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>One thing that was looked at.</summary>
/// <param name="Subject">What: <c>queue jobs.fifo</c>.</param>
/// <param name="IsProblem">Whether the program cannot work so, or not as it should.</param>
/// <param name="Text">What was found, in one line; for a problem, what is wrong, and what would help.</param>
public sealed record CheckFinding(string Subject, bool IsProblem, string Text)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => $"{(IsProblem ? "wrong" : "ok")}: {Subject}: {Text}";

    internal static CheckFinding Good(string subject, string text) => new(subject, false, text);

    internal static CheckFinding Problem(string subject, string text) => new(subject, true, text);
}
