using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Collects the outcomes of a run for output and progress. Safe from any thread.</summary>
/// <param name="output">Receives each outcome once.</param>
/// <param name="display">Shows the progress.</param>
/// <param name="counts">The numbers at the start of the run.</param>
internal sealed class SendReport(ISendOutput output, ISendDisplay display, FileCounts counts)
{
    private readonly Lock _lock = new();
    private long _total = counts.Total;
    private double _sent = counts.Answered;
    private long _done = counts.Done;
    private string? _away;

    /// <summary>The files of folders that are no pictures.</summary>
    public long NumberLeftOut { get; private set; }

    /// <summary>The files of this run whose result could not be found.</summary>
    public long NumberUnsent { get; private set; }

    /// <summary>Files turned out to be no pictures.</summary>
    public void LeftOut(int files)
    {
        lock (_lock)
        {
            NumberLeftOut += files;
            _total -= files;
            Show();
        }
    }

    /// <summary>A file cannot be sent.</summary>
    public void Rejected(SendOutcome outcome)
    {
        Rejected(1);
        Done(outcome);
    }

    /// <summary>Files count as sent, because they are never sent.</summary>
    public void Rejected(int files)
    {
        lock (_lock) _sent += files;
    }

    /// <summary>A file of a request has its outcome.</summary>
    public void Done(SendOutcome outcome)
    {
        lock (_lock)
        {
            _done++;
            // Whatever failed meanwhile is over.
            if (outcome.Status == JobStatus.Classified) _away = null;
            output.Print(outcome);
            Show();
        }
    }

    /// <summary>A file has no outcome in this run.</summary>
    public void Unsent(SendOutcome outcome)
    {
        lock (_lock)
        {
            NumberUnsent++;
            output.PrintUnstored(outcome);
        }
    }

    /// <summary>A call failed, and is tried again.</summary>
    public void Away(string reason)
    {
        lock (_lock)
        {
            // All calls fail at once, and each several times.
            if (_away == reason) return;
            _away = reason;
            display.Note($"A call failed: {reason.TrimEnd('.')}. Trying again.");
        }
    }

    /// <summary>Begins to count an upload.</summary>
    public Upload BeginUpload(int files, long bytes) => new(this, files, bytes);

    private void Show() => display.Show(_total, _sent, _done);

    /// <summary>The progress of one request. If it did not succeed, its disposal takes the progress back.</summary>
    internal sealed class Upload(SendReport report, int files, long bytes) : IDisposable
    {
        private double _counted;
        private bool _isComplete;

        /// <summary>Bytes of files were sent.</summary>
        public void Sent(long number) => Count(files * (double)number / Math.Max(1, bytes));

        /// <summary>The service has the files.</summary>
        public void Complete()
        {
            _isComplete = true;
            Count(files - _counted);
        }

        /// <inheritdoc />
        public void Dispose()
        {
            if (!_isComplete) Count(-_counted);
        }

        private void Count(double more)
        {
            lock (report._lock)
            {
                _counted += more;
                report._sent += more;
                report.Show();
            }
        }
    }
}
