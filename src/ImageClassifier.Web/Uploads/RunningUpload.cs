using System.Diagnostics.CodeAnalysis;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>The open marker of a running upload. It is renewed while the upload runs, so that every web node sees that
/// the upload is alive. The last upload that wrote the marker owns the batch.</summary>
internal sealed class RunningUpload(IObjectStore store, BatchId batch, string? claim, TimeProvider time)
    : IAsyncDisposable
{
    /// <summary>The age at which a marker no longer shows a running upload: three renewals have failed.</summary>
    public static readonly TimeSpan AliveFor = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(5);

    private readonly string _id = Guid.NewGuid().ToString("N");
    private readonly CancellationTokenSource _stop = new();
    private Task _renewing = Task.CompletedTask;
    private volatile bool _isLost;

    /// <summary>The batch that is uploaded into.</summary>
    public BatchId Batch => batch;

    /// <summary>Writes the marker and begins to renew it.</summary>
    /// <exception cref="IOException">The store does not accept the marker.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        await WriteAsync(hasEnded: false, cancellation);
        _renewing = RenewAsync();
    }

    /// <summary>Stops the renewals. The marker stays.</summary>
    public async Task StopRenewingAsync()
    {
        await _stop.CancelAsync();
        await _renewing;
    }

    /// <summary>True if the marker is still there and names this upload. Otherwise a sweep has removed the batch, or
    /// another request has resumed it.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public async Task<bool> IsOwnerAsync(CancellationToken cancellation)
    {
        if (_isLost) return false;
        var read = await store.ReadDocumentAsync<UploadMarker>(ObjectKeys.OpenMarker(batch), cancellation);
        return read.OrNull?.Upload == _id;
    }

    /// <summary>Notes that this upload has ended, so that a request with the same key can resume it at once.</summary>
    /// <exception cref="IOException">The store does not accept the note.</exception>
    public async Task MarkEndedAsync(CancellationToken cancellation)
    {
        await StopRenewingAsync();
        if (await IsOwnerAsync(cancellation)) await WriteAsync(hasEnded: true, cancellation);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopRenewingAsync();
        _stop.Dispose();
    }

    private Task WriteAsync(bool hasEnded, CancellationToken cancellation) => store.PutAsync(
        ObjectKeys.OpenMarker(batch), WireJson.WriteUtf8(new UploadMarker(claim, _id, hasEnded)), cancellation);

    [SuppressMessage("Design", "CA1031", Justification = "A failed renewal is repeated; the commit decides.")]
    private async Task RenewAsync()
    {
        using var timer = new PeriodicTimer(RenewInterval, time);
        while (!_isLost)
        {
            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
                await RenewOnceAsync();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception)
            {
                // The next renewal tries again. Until then the marker grows older.
            }
        }
    }

    private async Task RenewOnceAsync()
    {
        var began = time.GetTimestamp();
        if (!await IsOwnerAsync(_stop.Token))
        {
            _isLost = true;
            return;
        }

        await WriteAsync(hasEnded: false, _stop.Token);
        // A process that was paused between the two calls may have restored a marker that a sweep had removed.
        if (time.GetElapsedTime(began) > AliveFor) _isLost = true;
    }
}
