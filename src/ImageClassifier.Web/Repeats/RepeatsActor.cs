using Akka.Actor;
using Akka.Event;
using static ImageClassifier.Web.Repeats.RepeatsProtocol;

namespace ImageClassifier.Web.Repeats;

/// <summary>Remembers the pictures of finished batches: at once in the index of this web node, and soon in the store, for
/// other web nodes and later runs. The pictures of many batches share a record.</summary>
internal sealed class RepeatsActor : ReceiveActor, IWithTimers
{
    /// <summary>The time between two records that are not full. The first one is written at once.</summary>
    // A kill loses what waits. Those pictures are classified again.
    public static readonly TimeSpan WriteInterval = TimeSpan.FromMinutes(1);

    private readonly RepeatIndex _index;
    private readonly RepeatRecords _records;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<RepeatableBatch> _unwritten = [];
    private int _unwrittenPictures;

    /// <summary>Creates the actor.</summary>
    /// <param name="index">The index of this web node.</param>
    /// <param name="records">The records in the store.</param>
    public RepeatsActor(RepeatIndex index, RepeatRecords records)
    {
        _index = index;
        _records = records;

        Receive<Remember>(OnRemember);
        Receive<WriteDue>(_ => OnWriteDue());
        Receive<WriteFailed>(failed => _log.Warning(
            "A record of classified pictures could not be stored, so other web nodes classify their repeats: {Cause}",
            failed.Cause.Message));
    }

    /// <inheritdoc />
    public ITimerScheduler Timers { get; set; } = null!;

    // A process that stops often has the time for one more object.
    /// <inheritdoc />
    protected override void PostStop() => Write();

    private void OnRemember(Remember remember)
    {
        foreach (var batch in remember.Batches)
        {
            _index.Add(batch);
            foreach (var pictures in batch.Pictures.Chunk(RepeatRecord.MostPictures))
            {
                if (_unwrittenPictures + pictures.Length > RepeatRecord.MostPictures) Write();
                _unwritten.Add(batch with { Pictures = pictures });
                _unwrittenPictures += pictures.Length;
            }
        }

        if (!Timers.IsTimerActive(nameof(WriteDue))) OnWriteDue();
    }

    private void OnWriteDue()
    {
        if (_unwrittenPictures == 0) return;
        Write();
        Timers.StartSingleTimer(nameof(WriteDue), WriteDue.Instance, WriteInterval);
    }

    private void Write()
    {
        if (_unwrittenPictures == 0) return;
        _records.WriteAsync(new RepeatRecord([.. _unwritten]), CancellationToken.None)
            .PipeTo(Self, failure: cause => new WriteFailed(cause));
        _unwritten.Clear();
        _unwrittenPictures = 0;
    }

    private sealed record WriteFailed(Exception Cause);

    private sealed record WriteDue
    {
        public static WriteDue Instance { get; } = new();
    }
}
