using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>The notes of how often jobs were sent.</summary>
internal static class StoredAttempts
{
    /// <summary>How a job was last sent. Where there is no note, or a power cut has left none that can be read, it counts as
    /// the first time: at worst the job is sent once more often.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public static async Task<JobAttempt> ReadAttemptAsync(
        this IObjectStore store, BatchId batch, JobId job, CancellationToken cancellation)
    {
        var read = await store.ReadDocumentAsync<JobAttempt>(ObjectKeys.Attempt(batch, job), cancellation)
            .ConfigureAwait(false);
        return read.OrNull ?? JobAttempt.First;
    }
}
