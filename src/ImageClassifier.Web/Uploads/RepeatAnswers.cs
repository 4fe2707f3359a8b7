using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Results;

namespace ImageClassifier.Web.Uploads;

/// <summary>Answers the repeats of a batch: copies the result of the same picture in an earlier batch. It checks
/// everything anew, because the manifest only says what was probable.</summary>
/// <param name="store">The store.</param>
/// <param name="batches">The parent of the live batches.</param>
/// <param name="sharing">Whose uploads can answer a picture.</param>
/// <param name="known">The model of the nodes' setting.</param>
/// <param name="time">The clock of the actor system.</param>
public sealed class RepeatAnswers(
    IObjectStore store, IActorRef batches, RepeatSharing sharing, KnownModels known, TimeProvider time) : IDisposable
{
    // Of all batches together. A call to S3 takes some 30 ms, so this is some 500 pictures a second.
    private const int AtOnce = 32;

    // Bounds the results in memory.
    private const int Group = 100;

    private const int FirstAttempt = 1;

    private readonly SemaphoreSlim _places = new(AtOnce);
    private readonly ResultDelivery _delivery = new(batches, time, onTaken: (_, _) => { });

    /// <inheritdoc />
    public void Dispose() => _places.Dispose();

    /// <summary>Answers what it can.</summary>
    /// <param name="manifest">The batch.</param>
    /// <param name="repeats">Some of its jobs that have a <see cref="ManifestJob.RepeatOf"/>.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <returns>The jobs that a node must do.</returns>
    public async Task<IReadOnlyList<ManifestJob>> AnswerAsync(
        BatchManifest manifest, IReadOnlyList<ManifestJob> repeats, CancellationToken cancellation)
    {
        var model = manifest.Model?.Sha256 ?? known.OfSetting?.Sha256;
        if (sharing == RepeatSharing.Off || model is null) return repeats;
        var genuine = await Task.WhenAll(repeats
            .GroupBy(job => job.RepeatOf!.Batch)
            .Select(ofBatch => GenuineAsync(manifest, ofBatch.Key, [.. ofBatch], cancellation)));
        var answered = new HashSet<JobId>();
        foreach (var group in genuine.SelectMany(jobs => jobs ?? []).Chunk(Group))
        {
            var found = await Task.WhenAll(group.Select(job => FindAsync(manifest, job, model, cancellation)));
            var results = found.OfType<JobResult>().ToList();
            if (results.Count == 0 || !await IsNamedAsync(manifest, cancellation)) continue;
            var stored = await Task.WhenAll(results.Select(result => StoreAsync(result, cancellation)));
            results = [.. stored.OfType<JobResult>()];
            // If the batch does not take them, a node finds them in the store. Its message repeats until the batch does.
            if (results.Count > 0 && await _delivery.GiveAsync(results))
                answered.UnionWith(results.Select(result => result.Job));
        }

        return [.. repeats.Where(job => !answered.Contains(job.Job))];
    }

    /// <summary>The jobs whose picture is that of their original, and whose original may answer them. A deleted batch has
    /// no manifest, and so no such jobs.</summary>
    private Task<IReadOnlyList<ManifestJob>?> GenuineAsync(
        BatchManifest manifest, BatchId batch, IReadOnlyList<ManifestJob> repeats, CancellationToken cancellation) =>
        // In one place, so that few manifests are in memory at once.
        InPlaceAsync<IReadOnlyList<ManifestJob>>(
            async () =>
            {
                var key = ObjectKeys.Manifest(batch);
                var original = (await store.ReadDocumentAsync<BatchManifest>(key, cancellation)).OrNull;
                if (original?.RepeatScope is null) return null;
                if (sharing == RepeatSharing.OwnKey && original.RepeatScope != manifest.RepeatScope) return null;
                var pictures = original.Accepted.ToDictionary(job => job.Job, job => job.Sha256);
                return
                [
                    .. repeats.Where(job => job.Sha256 is { } picture
                        && pictures.GetValueOrDefault(job.RepeatOf!.Job) == picture),
                ];
            },
            cancellation);

    /// <summary>The result of the original as that of the job; null if it is not there, or of another model.</summary>
    private async Task<JobResult?> FindAsync(
        BatchManifest manifest, ManifestJob job, string model, CancellationToken cancellation)
    {
        var original = job.RepeatOf!;
        var key = ObjectKeys.Result(original.Batch, original.Job);
        var result = await InPlaceAsync(
            async () => (await store.ReadDocumentAsync<JobResult>(key, cancellation)).OrNull, cancellation);
        return result is { Status: JobStatus.Classified, Model.Sha256: var sha256 } && sha256 == model
            ? result with
            {
                Job = job.Job,
                Batch = manifest.Batch,
                Attempt = FirstAttempt,
                InstanceId = WebInstance.Id,
                Timings = null,
                Cached = true,
            }
            : null;
    }

    /// <summary>Names the model of the batch before its first result, as a node does. False if a node has named another
    /// one: then the batch gets all its results from nodes.</summary>
    private async Task<bool> IsNamedAsync(BatchManifest manifest, CancellationToken cancellation)
    {
        if (manifest.Model is not null || !manifest.HasSeveralJobs) return true;
        var key = ObjectKeys.BatchModel(manifest.Batch);
        var name = WireJson.WriteUtf8(new BatchModel(manifest.Batch, known.OfSetting!));
        try
        {
            return await store.PutIfAbsentAsync(key, name, cancellation)
                || (await store.ReadDocumentAsync<BatchModel>(key, cancellation)).OrNull?.Model.Sha256
                    == known.OfSetting!.Sha256;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Stores a result, or returns the stored one; null if a node must do the job.</summary>
    private async Task<JobResult?> StoreAsync(JobResult result, CancellationToken cancellation)
    {
        var key = ObjectKeys.Result(result.Batch, result.Job);
        return await InPlaceAsync(
            async () =>
            {
                if (await store.PutIfAbsentAsync(key, WireJson.WriteUtf8(result), cancellation)) return result;
                var stored = (await store.ReadDocumentAsync<JobResult>(key, cancellation)).OrNull;
                return stored is { Status: JobStatus.Classified } ? stored : null;
            },
            cancellation);
    }

    /// <summary>Makes calls to the store when there is a place; null if the store does not answer.</summary>
    private async Task<T?> InPlaceAsync<T>(Func<Task<T?>> calls, CancellationToken cancellation)
        where T : class
    {
        await _places.WaitAsync(cancellation);
        try
        {
            return await calls();
        }
        catch (IOException)
        {
            return null;
        }
        finally
        {
            _places.Release();
        }
    }
}
