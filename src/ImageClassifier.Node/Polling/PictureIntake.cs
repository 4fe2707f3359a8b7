using System.Buffers;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Streams;

namespace ImageClassifier.Node.Polling;

/// <summary>From a message to a decoded picture, or to what became of the job otherwise.</summary>
internal sealed class PictureIntake(
    IObjectStore store,
    IImageClassifier classifier,
    InstanceId instance,
    PollingSettings settings,
    Fitness fitness,
    TimeProvider time,
    ILoggingAdapter log)
{
    private readonly AloneGate _gate = new();
    private readonly RetryPolicy _outages = OutageRetries.Patient(settings.Source.MaxLease);
    private readonly Suspicion _suspicion = new(store, OutageRetries.Patient(settings.Source.MaxLease), time);

    // Reading waits for the store, decoding for a core: more may read than decode.
    private readonly SemaphoreSlim _decoders = new(settings.Decoders);

    /// <summary>Takes one message in. It never fails: what goes wrong for no fault of the job hands the message
    /// back.</summary>
    public async Task<JobWork> TakeAsync(Delivery delivery)
    {
        if (!TryReadRequest(delivery.Message.Body, out var request))
        {
            log.Warning("A message that is no request was handed back, for the queue to give up on");
            return new JobWork.NotDone(delivery);
        }

        try
        {
            return await TakeAsync(delivery, request);
        }
        catch (IOException failure)
        {
            log.Warning("Job {0} was handed back because the store is away: {1}", request.Job, failure.Message);
            return new JobWork.NotDone(delivery);
        }
        catch (Exception failure)
        {
            log.Error(failure, "Job {0} could not be taken in and was handed back", request.Job);
            return new JobWork.NotDone(delivery);
        }
    }

    private async Task<JobWork> TakeAsync(Delivery delivery, ClassificationRequest request)
    {
        using var coming = _gate.Announce();
        var receives = delivery.Message.ReceiveCount;
        var isTriedEnough = receives > settings.MaxReceives;
        if ((receives > 1 || request.Attempt > 1)
            && await FindStoredAsync(request) is { } stored && !IsOutdated(stored, request))
            return new JobWork.Ended(delivery, request, stored) { IsStored = true };

        var isSuspect = receives >= settings.AloneFromReceive;
        var lastTry = isSuspect ? await _suspicion.FindAsync(request) : null;
        // What was received with the picture that killed the node spent its receives without having been tried.
        if (isTriedEnough && lastTry is not null)
        {
            log.Warning("Job {0} failed: it was received {1} times", request.Job, receives);
            var error = new JobError(
                JobErrorCodes.TooManyAttempts, "The picture was tried several times, and every time it failed.");
            // The queue's own limit is one higher, so handing it back moves it to the dead letters.
            return Failed(delivery, request, error) with { Settlement = Settlement.HandBack };
        }

        if (lastTry is { HasEnded: false } && IsDeferred(receives))
        {
            log.Info("Job {0} is handed back, for what was received with it to be done first", request.Job);
            return new JobWork.NotDone(delivery);
        }

        var started = time.GetTimestamp();
        using var picture = await OutageRetries.RunAsync(
            () => FetchAsync(request.ImageKey), _outages, time);
        if (picture is null)
        {
            var error = new JobError(JobErrorCodes.Missing, "The picture is no longer stored.");
            return Failed(delivery, request, error);
        }

        var fetched = time.GetElapsedTime(started);
        // What was received with one that may have killed the node comes first, or it would never be tried.
        var entering = _gate.EnterAsync(alone: isSuspect, last: lastTry is { HasEnded: false });
        coming.Dispose();
        var pass = await entering;
        if (isSuspect) await NoteTryAsync(request, pass);
        return await DecodeAsync(delivery, request, picture, pass, fetched);
    }

    /// <summary>Every other receive from the one after the first try alone, but never the last that there is.</summary>
    private bool IsDeferred(int receives) =>
        receives < settings.MaxReceives && (receives - settings.AloneFromReceive) % 2 == 1;

    private async Task NoteTryAsync(ClassificationRequest request, IDisposable pass)
    {
        try
        {
            await _suspicion.NoteAsync(request, new AloneTry(HasEnded: false));
        }
        catch
        {
            pass.Dispose();
            throw;
        }
    }

    private async Task<JobWork> DecodeAsync(
        Delivery delivery, ClassificationRequest request, PooledBytes picture, IDisposable pass, TimeSpan fetched)
    {
        try
        {
            await _decoders.WaitAsync();
            var started = time.GetTimestamp();
            Decoding decoding;
            try
            {
                // On a thread of the pool, for it is long work, and this one may be the stream's. Where memory is short it
                // may be there again in a while.
                decoding = await OutageRetries.RunAsync(
                    () => Task.Run(() => classifier.Decode(picture.Memory)), OutageRetries.Brief, time);
            }
            finally
            {
                _decoders.Release();
            }

            if (decoding is Decoding.Decoded { Picture: var decoded })
            {
                return new JobWork.ToClassify(
                    delivery, request, decoded, pass, fetched, time.GetElapsedTime(started));
            }

            return Failed(delivery, request, ((Decoding.Refused)decoding).Error) with { Pass = pass };
        }
        catch
        {
            fitness.Failed();
            pass.Dispose();
            if (delivery.Message.ReceiveCount >= settings.AloneFromReceive)
                await _suspicion.NoteAsync(request, new AloneTry(HasEnded: true));
            throw;
        }
    }

    /// <summary>Whether it is the failure of an earlier attempt, which someone has asked to try again.</summary>
    private static bool IsOutdated(JobResult stored, ClassificationRequest request) =>
        stored.Status == JobStatus.Failed && stored.Attempt < request.Attempt;

    private async Task<JobResult?> FindStoredAsync(ClassificationRequest request)
    {
        var key = ObjectKeys.Result(request.Batch, request.Job);
        var read = await OutageRetries.RunAsync(
            () => store.ReadDocumentAsync<JobResult>(key, CancellationToken.None), _outages, time);
        if (read is DocumentRead<JobResult>.Damaged damaged)
            log.Error("The stored result {0} is damaged, and the job is done again: {1}", damaged.Key, damaged.Why);
        return read.OrNull;
    }

    private async Task<PooledBytes?> FetchAsync(string key)
    {
        var stored = await store.GetAsync(key, CancellationToken.None);
        if (stored is null) return null;
        await using (stored)
        {
            var bytes = new PooledBytes(checked((int)stored.Size));
            try
            {
                await stored.Content.ReadExactlyAsync(bytes.Writable);
                return bytes;
            }
            catch
            {
                bytes.Dispose();
                throw;
            }
        }
    }

    private JobWork.Ended Failed(Delivery delivery, ClassificationRequest request, JobError error)
    {
        var result = new JobResult(
            request.Job, request.Batch, request.Attempt, JobStatus.Failed, [], error, null, instance, null);
        return new JobWork.Ended(delivery, request, result);
    }

    // A document without an id or a key reads as a request with none.
    private static bool TryReadRequest(string body, out ClassificationRequest request)
    {
        request = WireJson.TryRead<ClassificationRequest>(body)!;
        return request is { ImageKey.Length: > 0 } && request.Job != default && request.Batch != default;
    }

    /// <summary>A whole file in memory from the shared pool.</summary>
    private sealed class PooledBytes(int size) : IDisposable
    {
        private byte[]? _bytes = ArrayPool<byte>.Shared.Rent(size);

        public Memory<byte> Writable => _bytes.AsMemory(0, size);

        public ReadOnlyMemory<byte> Memory => Writable;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _bytes, null) is { } bytes) ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
