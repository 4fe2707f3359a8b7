using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Testing;

/// <summary>Builds the messages between the tiers.</summary>
public static class Jobs
{
    /// <summary>A request for a new job. Its batch is new unless one is given.</summary>
    public static ClassificationRequest Request(BatchId? batch = null, JobId? job = null, int attempt = 1)
    {
        var ofBatch = batch ?? BatchId.New();
        var ofJob = job ?? JobId.New();
        var key = ObjectKeys.Image(ofBatch, ofJob, PictureFormat.Jpeg);
        return new ClassificationRequest(ofJob, ofBatch, key, attempt, DateTimeOffset.UnixEpoch);
    }

    /// <summary>The message with a result.</summary>
    public static OutgoingMessage ToMessage(this JobResult result) => ResultMessage.Of(result, result.Attempt);

    /// <summary>A result with one label.</summary>
    public static JobResult Classified(ClassificationRequest request, string label = "cat") =>
        new(request.Job, request.Batch, request.Attempt, JobStatus.Classified, [new Prediction(0, label, 1)], null,
            new ModelIdentity("fake", new string('0', 64)), InstanceId.Parse("instance-1"), null);

    /// <summary>A result of a job that failed.</summary>
    public static JobResult Failed(ClassificationRequest request, string code = JobErrorCodes.Undecodable) =>
        new(request.Job, request.Batch, request.Attempt, JobStatus.Failed, [], new JobError(code, "It failed."), null,
            InstanceId.Parse("instance-1"), null);
}
