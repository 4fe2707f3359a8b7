using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Batches;

/// <summary>Reads the notes of which attempt a job is at.</summary>
internal static class StoredAttempts
{
    /// <summary>The job's last attempt. A missing or unreadable note (a power cut) counts as the first attempt: at
    /// worst the job is sent once more.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public static async Task<JobAttempt> ReadAttemptAsync(
        this IObjectStore store, BatchId batch, JobId job, CancellationToken cancellation)
    {
        var read = await store.ReadDocumentAsync<JobAttempt>(ObjectKeys.Attempt(batch, job), cancellation)
            .ConfigureAwait(false);
        return read.OrNull ?? JobAttempt.First;
    }
}
