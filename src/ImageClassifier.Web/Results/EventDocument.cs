using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Results;

/// <summary>An event of a batch in the API, the same on a WebSocket and in an event stream.</summary>
/// <param name="Id">The position of the event: a client that connects again sends the last one that it has.</param>
/// <param name="Type">"result": a job got its result. "complete": all jobs have one, and nothing follows.</param>
/// <param name="Job">The job that got its result; null in the event "complete".</param>
internal sealed record EventDocument(string Id, string Type, JobDocument? Job)
{
    // Part of the protocol: clients compare these values.
    public const string Result = "result";

    public const string Complete = "complete";

    /// <summary>The event as UTF-8.</summary>
    /// <param name="id">The position.</param>
    /// <param name="job">The job that got its result; null for the event that all jobs have one.</param>
    public static byte[] Write(EventId id, JobDocument? job) =>
        WireJson.WriteUtf8(new EventDocument(id.ToString(), job is null ? Complete : Result, job));

    /// <summary>Reads what <see cref="Write"/> has written.</summary>
    public static EventDocument Read(ReadOnlyMemory<byte> json) =>
        JsonSerializer.Deserialize<EventDocument>(json.Span, WireJson.Options)!;
}

/// <summary>The current state of a job in the API.</summary>
/// <param name="JobId">The job.</param>
/// <param name="FileName">The client's name for the file.</param>
/// <param name="Status">The status.</param>
/// <param name="Predictions">The most probable labels, best first; null if there is no result yet.</param>
/// <param name="Error">Why the file was refused or the job failed; otherwise null.</param>
/// <param name="ErrorCode">The code of the error.</param>
/// <param name="Model">The model of the job; null if it is unknown.</param>
/// <param name="InstanceId">The instance that gave the result.</param>
/// <param name="Timings">The durations of the steps.</param>
public sealed record JobDocument(
    JobId JobId,
    string FileName,
    JobStatus Status,
    IReadOnlyList<Prediction>? Predictions,
    string? Error,
    string? ErrorCode,
    ModelIdentity? Model,
    InstanceId? InstanceId,
    JobTimings? Timings)
{
    /// <summary>True if the result is that of an earlier upload of the same picture. No instance worked for it.</summary>
    public bool? Cached { get; init; }

    /// <summary>The state of a job that has this result, or none yet.</summary>
    internal static JobDocument Of(ManifestJob job, JobResult? result)
    {
        var error = job.Refusal ?? result?.Error;
        return new JobDocument(
            job.Job, job.FileName, job.Refusal is not null ? JobStatus.Rejected : result?.Status ?? JobStatus.Queued,
            result?.Predictions, error?.Message, error?.Code, result?.Model, result?.InstanceId, result?.Timings)
        {
            Cached = result?.Cached,
        };
    }
}
