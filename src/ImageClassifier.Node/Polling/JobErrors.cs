using ImageClassifier.Core.Messages;

namespace ImageClassifier.Node.Polling;

/// <summary>The errors of failed jobs, apart from those that the decoder gives.</summary>
internal static class JobErrors
{
    public static JobError Missing { get; } = new(JobErrorCodes.Missing, "The picture is no longer stored.");

    public static JobError KilledDecoder { get; } = new(
        JobErrorCodes.KilledDecoder,
        "The picture crashes the program that decodes it. Save it anew as JPEG or PNG, and upload that.");

    public static JobError TooSlow { get; } = new(
        JobErrorCodes.TooCostly, "The picture was not classified within the time for one picture, in two tries.");

    public static JobError TooManyAttempts { get; } = new(
        JobErrorCodes.TooManyAttempts, "The picture was tried several times, and every time it failed.");
}
