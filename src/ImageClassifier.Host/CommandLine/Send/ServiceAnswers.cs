using ImageClassifier.Web.Results;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The service's answer to an upload.</summary>
internal abstract record UploadAnswer
{
    private UploadAnswer()
    {
    }

    /// <summary>The files are a batch. The jobs are in the order of the files.</summary>
    public sealed record Accepted(string BatchId, IReadOnlyList<JobDocument> Jobs) : UploadAnswer;

    /// <summary>No file is usable. The jobs are in the order of the files.</summary>
    public sealed record NothingUsable(IReadOnlyList<JobDocument> Jobs) : UploadAnswer;

    /// <summary>The service asked for a pause, which has begun.</summary>
    public sealed record Later : UploadAnswer;

    /// <summary>The request has too many files or bytes.</summary>
    public sealed record TooLarge(string Reason) : UploadAnswer;

    /// <summary>The request was accepted before, with other files.</summary>
    public sealed record Changed : UploadAnswer;

    /// <summary>The request is refused for good.</summary>
    public sealed record Refused(string Reason) : UploadAnswer;
}

/// <summary>How the reading of a batch's events ended.</summary>
internal enum EventsEnd
{
    /// <summary>All jobs have a result.</summary>
    Complete,

    /// <summary>The service does not have the batch any more.</summary>
    Gone,

    /// <summary>The service closed the connection.</summary>
    Closed,

    /// <summary>Nothing came for a while, or the service asked for a pause.</summary>
    Paused,
}

/// <summary>An event of a batch. Without a job it is the last one.</summary>
internal sealed record ServiceEvent(string Id, JobDocument? Job);

/// <summary>The service does not answer, or fails. A later try can succeed.</summary>
internal sealed class ServiceAwayException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The service refuses every request of this run, so the user must change something.</summary>
/// <param name="message">What the user must change.</param>
/// <param name="tookNothing">True if nothing of the refused request can be at the service.</param>
internal sealed class ServiceRefusesException(string message, bool tookNothing) : Exception(message)
{
    /// <summary>True if nothing of the refused request can be at the service.</summary>
    public bool TookNothing => tookNothing;
}
