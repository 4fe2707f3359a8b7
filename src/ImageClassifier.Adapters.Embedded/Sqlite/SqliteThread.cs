using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>
/// A thread with its own database session. SQLite blocks, even in the asynchronous calls of its .NET library, and would
/// block threads of the shared pool. Work runs one item at a time, in the order of the calls. After a failure a new
/// session is opened.
/// </summary>
internal sealed class SqliteThread<TSession> : IAsyncDisposable where TSession : SqliteSession
{
    // A BlockingCollection spins before it waits, which costs a poller more than its work.
    private readonly Queue<Work> _work = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<TSession> _open;
    private readonly string _name;
    private bool _disposed;

    public SqliteThread(string name, Func<TSession> open)
    {
        _name = name;
        _open = open;
        new Thread(Loop) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Runs work on the thread.</summary>
    /// <param name="work">The work on the session.</param>
    /// <param name="cancellation">Drops the work unless it has begun.</param>
    public Task<T> RunAsync<T>(Func<TSession, T> work, CancellationToken cancellation)
    {
        var item = new Work<T>(work, cancellation);
        lock (_work)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _work.Enqueue(item);
            Monitor.Pulse(_work);
        }

        return item.Result;
    }

    /// <summary>Finishes the queued work and ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_work)
        {
            _disposed = true;
            Monitor.Pulse(_work);
        }

        await _ended.Task;
    }

    private void Loop()
    {
        TSession? session = null;
        while (TryTake(out var work))
        {
            if (work.Dropped()) continue;
            try
            {
                session ??= _open();
                work.Run(session);
            }
            catch (Exception failure)
            {
                Close(session, failure);
                session = null;
                work.Fail(failure);
            }
        }

        Close(session, null);
        _ended.SetResult();
    }

    /// <summary>Waits for work. False when the thread is disposed and nothing is left.</summary>
    private bool TryTake([NotNullWhen(true)] out Work? work)
    {
        lock (_work)
        {
            while (!_work.TryDequeue(out work) && !_disposed) Monitor.Wait(_work);
            return work is not null;
        }
    }

    private static void Close(TSession? session, Exception? failure)
    {
        try
        {
            if (failure is null) session?.Dispose();
            else session?.DisposeAfter(failure);
        }
        catch (SqliteException)
        {
            // Committed work is safe, and nothing depends on how a session closes.
        }
    }

    private abstract class Work
    {
        public abstract bool Dropped();

        public abstract void Run(TSession session);

        public abstract void Fail(Exception failure);
    }

    private sealed class Work<T>(Func<TSession, T> work, CancellationToken cancellation) : Work
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Result => _result.Task;

        public override bool Dropped() =>
            cancellation.IsCancellationRequested && _result.TrySetCanceled(cancellation);

        public override void Run(TSession session) => _result.SetResult(work(session));

        public override void Fail(Exception failure) => _result.SetException(failure);
    }
}
