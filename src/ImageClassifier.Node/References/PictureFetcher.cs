using System.Net;
using Akka.Event;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using Polly;

namespace ImageClassifier.Node.References;

/// <summary>Fetches pictures by reference, and checks them like uploads. Safe from any thread.</summary>
/// <param name="rules">The allowed references.</param>
/// <param name="intake">The allowed files.</param>
/// <param name="http">Sends requests. It must check addresses when it connects, and must not follow redirects.</param>
/// <param name="buckets">Reads buckets; null if the environment has none.</param>
/// <param name="time">The clock of time limits and pauses.</param>
/// <param name="log">Receives the reasons that clients do not get.</param>
internal sealed class PictureFetcher(
    ReferenceRules rules,
    IntakeSettings intake,
    HttpMessageInvoker http,
    IBucketReader? buckets,
    TimeProvider time,
    ILoggingAdapter log)
{
    /// <summary>The time limit of one try, from the look-up of the name to the last byte.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // A host that hangs once mostly hangs again, and holds up other references meanwhile.
    private const int TriesOfSlowHost = 2;
    private const string Product = "image-classifier";
    private const string NotEncoded = "identity";
    private const int SmallestBuffer = 64 << 10;

    // A host may announce more than it sends.
    private const int LargestFirstBuffer = 1 << 20;

    private static readonly RetryPolicy Tries = new(3, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(2));

    private readonly string _accepted = string.Join(
        ", ", Enum.GetValues<PictureFormat>().Where(intake.Formats.Allows).Select(PictureFormats.ContentType));

    private readonly ResiliencePipeline _tries = Tries.CreatePipeline(
        time, outcome => outcome.Result is FetchOutcome.Failed failed ? failed.MostTries : 1);

    /// <summary>Fetches a picture. Failures that may pass are tried again a few times.</summary>
    /// <exception cref="OperationCanceledException">The fetch was cancelled.</exception>
    public async Task<FetchOutcome> FetchAsync(PictureReference reference, CancellationToken cancellation)
    {
        switch (rules.Check(reference))
        {
            case CheckedReference.Refused refused:
                return new FetchOutcome.Failed(refused.Error);
            case CheckedReference.Address address:
                return await TryAsync(
                    end => FetchAsync(address.Url, end), FetchErrors.Unreachable, cancellation);
            case CheckedReference.InBucket when buckets is null:
                return new FetchOutcome.Failed(FetchErrors.NoBuckets);
            case CheckedReference.InBucket stored:
                return await TryAsync(
                    end => FetchAsync(stored, end), FetchErrors.BucketUnreachable, cancellation);
            case var other:
                throw new InvalidOperationException($"Unexpected reference: {other}.");
        }
    }

    private Task<FetchOutcome> TryAsync(
        Func<CancellationToken, Task<FetchOutcome>> fetch, JobError unreachable, CancellationToken cancellation) =>
        _tries.ExecuteAsync(
            async token => await TryOnceAsync(fetch, unreachable, token), cancellation).AsTask();

    private async Task<FetchOutcome> TryOnceAsync(
        Func<CancellationToken, Task<FetchOutcome>> fetch, JobError unreachable, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await fetch(end.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new FetchOutcome.Failed(unreachable, TriesOfSlowHost);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            log.Debug("A picture could not be fetched: {0}", failure.Message);
            return new FetchOutcome.Failed(unreachable, Tries.Attempts);
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or OutOfMemoryException))
        {
            // Otherwise the message would go from node to node until the queue gives it up, without a result.
            log.Error(failure, "A reference cannot be fetched");
            return new FetchOutcome.Failed(unreachable, 1);
        }
    }

    private async Task<FetchOutcome> FetchAsync(Uri url, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.UserAgent.ParseAdd(Product);
        request.Headers.Accept.ParseAdd(_accepted);
        request.Headers.AcceptEncoding.ParseAdd(NotEncoded);
        using var response = await http.SendAsync(request, cancellation);
        if (response.StatusCode != HttpStatusCode.OK) return Answered((int)response.StatusCode);
        var headers = response.Content.Headers;
        if (headers.ContentEncoding.Any(coding => !coding.Equals(NotEncoded, StringComparison.OrdinalIgnoreCase)))
            return new FetchOutcome.Failed(FetchErrors.Compressed);
        await using var content = await response.Content.ReadAsStreamAsync(cancellation);
        return await ReadAsync(content, headers.ContentLength, cancellation);
    }

    private static FetchOutcome.Failed Answered(int status)
    {
        var error = FetchErrors.Answered(status);
        return new FetchOutcome.Failed(error, FetchErrors.MayPass(status) ? Tries.Attempts : 1);
    }

    private async Task<FetchOutcome> FetchAsync(CheckedReference.InBucket stored, CancellationToken cancellation)
    {
        switch (await buckets!.OpenAsync(stored.Bucket, stored.Key, cancellation))
        {
            case BucketRead.Found found:
                await using (found.Stored)
                    return await ReadAsync(found.Stored.Content, found.Stored.Size, cancellation);
            case BucketRead.Refused refused:
                log.Debug("An object of bucket {0} could not be read: {1}", stored.Bucket, refused.Details);
                return new FetchOutcome.Failed(FetchErrors.Of(refused.Why));
            case var other:
                throw new InvalidOperationException($"Unexpected outcome: {other}.");
        }
    }

    /// <summary>Reads a file up to the limit, whatever length was announced.</summary>
    private async Task<FetchOutcome> ReadAsync(Stream content, long? announced, CancellationToken cancellation)
    {
        if (announced > intake.MaxFileSize) return TooLarge();
        var most = (int)intake.MaxFileSize + 1;
        var bytes = new PooledBytes((int)Math.Clamp((announced ?? 0) + 1, Math.Min(SmallestBuffer, most), LargestFirstBuffer));
        var isKept = false;
        try
        {
            var length = 0;
            while (await content.ReadAsync(bytes.Writable[length..], cancellation) is > 0 and var read)
            {
                length += read;
                if (length > intake.MaxFileSize) return TooLarge();
                if (length == bytes.Memory.Length) bytes.Resize((int)Math.Min(2L * length, most));
            }

            bytes.Resize(length);
            if (FaultOf(bytes.Memory.Span) is { } fault) return new FetchOutcome.Failed(fault);
            isKept = true;
            return new FetchOutcome.Fetched(bytes);
        }
        finally
        {
            if (!isKept) bytes.Dispose();
        }
    }

    private JobError? FaultOf(ReadOnlySpan<byte> file)
    {
        if (file.IsEmpty) return FetchErrors.Empty;
        return intake.Formats.FormatOf(file) is null
            ? new JobError(JobErrorCodes.ContentMismatch, intake.Formats.Refuse(file))
            : null;
    }

    private FetchOutcome.Failed TooLarge() => new(FetchErrors.TooLarge(intake.MaxFileSize));
}
