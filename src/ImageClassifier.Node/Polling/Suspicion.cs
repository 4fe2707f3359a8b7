using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>
/// What the nodes know of pictures that may kill them. A dead node's whole hand spends a receive, so receives alone do not
/// tell the culprit from its neighbours; notes in the store do. A job is given up only after it was tried alone; and one
/// whose try alone never ended is handed back the next time it is received, so that the others of that hand come before it.
/// </summary>
internal sealed class Suspicion(IObjectStore store, RetryPolicy outages, TimeProvider time)
{
    /// <summary>The last try alone of this attempt; null where there was none, or its note is damaged: the next try
    /// writes another.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    public async Task<AloneTry?> FindAsync(ClassificationRequest request)
    {
        var read = await OutageRetries.RunAsync(
            () => store.ReadDocumentAsync<AloneTry>(KeyOf(request), CancellationToken.None), outages, time);
        return read.OrNull;
    }

    /// <summary>Notes how a try alone stands.</summary>
    /// <exception cref="IOException">The store does not answer.</exception>
    public Task NoteAsync(ClassificationRequest request, AloneTry attempt) => OutageRetries.RunAsync(
        async () =>
        {
            await store.PutAsync(KeyOf(request), WireJson.WriteUtf8(attempt), CancellationToken.None);
            return true;
        },
        outages, time);

    private static string KeyOf(ClassificationRequest request) =>
        ObjectKeys.AloneTry(request.Batch, request.Job, request.Attempt);
}
