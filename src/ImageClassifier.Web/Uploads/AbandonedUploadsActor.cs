using Akka.Actor;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Web.Uploads;

/// <summary>Removes uploads that never commit, with their pictures. Two of these actors at once do no harm: the store
/// decides what is abandoned.</summary>
public sealed class AbandonedUploadsActor : ReceiveActor, IWithTimers
{
    private readonly AbandonedUploads _uploads;
    private readonly TimeSpan _interval;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly CancellationTokenSource _stopping = new();
    private BatchId? _cursor;

    /// <summary>Creates the actor.</summary>
    public AbandonedUploadsActor(IObjectStore store, UploadSettings settings)
    {
        _uploads = new AbandonedUploads(store, settings.AbandonedAfter);
        _interval = settings.SweepInterval;
        Receive<Sweep>(_ => OnSweep());
        Receive<SweepDone>(OnDone);
        Receive<SweepFailed>(OnFailed);
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    /// <inheritdoc />
    protected override void PreStart() => ScheduleSweep();

    /// <inheritdoc />
    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void ScheduleSweep() => Timers.StartSingleTimer(nameof(Sweep), Sweep.Instance, _interval);

    private void OnSweep() => _uploads.SweepAsync(Context.System.Scheduler.Now, _cursor, _stopping.Token).PipeTo(
        Self,
        success: swept => new SweepDone(swept.Removed, swept.Next),
        failure: cause => new SweepFailed(cause));

    private void OnDone(SweepDone done)
    {
        _cursor = done.Next;
        if (done.Removed > 0) _log.Info("Removed {Count} abandoned uploads", done.Removed);
        ScheduleSweep();
    }

    private void OnFailed(SweepFailed failed)
    {
        _log.Warning("The sweep of abandoned uploads failed; the next one tries again: {Cause}", failed.Cause.Message);
        ScheduleSweep();
    }

    private sealed record SweepDone(int Removed, BatchId? Next);

    private sealed record SweepFailed(Exception Cause);

    private sealed record Sweep
    {
        public static Sweep Instance { get; } = new();
    }
}
