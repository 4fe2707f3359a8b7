using System.Text;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>
/// A durable queue in a SQLite file, shared by the processes of one machine. It survives killed processes. A power cut
/// can lose the last moments. Leases and the deduplication window are measured by the time since the machine started.
/// </summary>
/// <remarks>
/// A message whose last allowed lease ends moves to the dead-letter queue at the next receive. Deleting a message that
/// is already gone succeeds. While a message of a group is in flight, no other of that group is received; one receive
/// can return several of a group. A file that is deleted, replaced or damaged while in use makes the queue unavailable
/// within seconds.
/// </remarks>
public sealed class SqliteMessageQueue : IMessageQueue, IAsyncDisposable
{
    private const int MaxIdLength = 128;
    // Each check opens the file once more, which takes about a millisecond.
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    // Uploads and load balancers check often. A file that was sound a moment ago is rarely damaged.
    private static readonly TimeSpan CheckValidFor = TimeSpan.FromSeconds(1);

    private readonly SqliteQueueSettings _settings;
    private readonly SqliteThread<QueueSession> _thread;
    private readonly Bell _bell;
    private readonly Bell? _deadLetterBell;
    private readonly TimeProvider _time;
    private readonly Lock _checking = new();
    private Task _lastCheck = Task.CompletedTask;
    private long? _checkedAt;

    // Written by the queue's thread, read by checks on other threads.
    private volatile string? _contents;
    private volatile bool _mustProbe;
    private volatile bool _wasLost;

    // Used only by the queue's thread.
    private long? _probedAt;

    /// <summary>Creates the queue. The first call opens or creates its file.</summary>
    /// <param name="settings">The queue.</param>
    /// <param name="time">Measures how long a receive waits, and dates messages for retention.</param>
    public SqliteMessageQueue(SqliteQueueSettings settings, TimeProvider? time = null)
        : this(settings, time, MachineClock.OfThisMachine)
    {
    }

    internal SqliteMessageQueue(SqliteQueueSettings settings, TimeProvider? time, MachineClock clock)
    {
        _settings = settings;
        _time = time ?? TimeProvider.System;
        _bell = Bell.For(settings.DatabasePath, settings.Name);
        if (settings.DeadLetterName is { } deadLetters) _deadLetterBell = Bell.For(settings.DatabasePath, deadLetters);
        var file = new QueueFile(settings.DatabasePath, settings.CreatesFile, _time);
        _thread = new SqliteThread<QueueSession>($"queue {settings.Name}", () => file.Open(create =>
        {
            // A file that was missing can be an older copy, without messages that were sent since.
            var rename = _wasLost && settings.CreatesFile;
            var session = new QueueSession(settings, _bell, _deadLetterBell, clock, _time, create, rename);
            _wasLost = false;
            return session;
        }));
    }

    /// <summary>Opens the queue's file before the queue is used, so that a wrong file stops the start. Meanwhile no
    /// other process may create the file.</summary>
    /// <returns>True if the file was missing and is now created.</returns>
    /// <exception cref="ForeignDatabaseException">The file belongs to something else, or to a newer
    /// version.</exception>
    /// <exception cref="IOException">The file is damaged or cannot be used.</exception>
    public static bool OpenFile(SqliteQueueSettings settings)
    {
        var isNew = !File.Exists(settings.DatabasePath);
        try
        {
            if (isNew) QueueFile.RemoveLeftovers(settings.DatabasePath);
            SqliteDatabase.Open(settings.DatabasePath, QueueSchema.Schema, isNew).Dispose();
            return isNew;
        }
        catch (SqliteException failure) when (SqliteDatabase.IsDamaged(failure))
        {
            throw new ForeignDatabaseException(
                $"{settings.DatabasePath} is damaged, or not a database. Move the file away");
        }
        catch (SqliteException failure) when (SqliteDatabase.IsUnavailable(failure))
        {
            throw new IOException($"{settings.DatabasePath} cannot be used: {failure.Message}", failure);
        }
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation)
    {
        QueueArguments.CheckBatch(messages);
        var outcomes = messages.Select(Check).ToArray();
        var good = messages.Where((_, i) => outcomes[i].Succeeded).ToArray();
        if (good.Length > 0) await CallAsync(session => session.Send(good), cancellation);
        return outcomes;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting)
    {
        QueueArguments.CheckReceive(maxMessages, wait, lease);

        var started = _time.GetTimestamp();
        while (!stopWaiting.IsCancellationRequested)
        {
            var ring = wait > TimeSpan.Zero ? _bell.NextRing() : Task.CompletedTask;
            // Leased messages must reach the caller, so this call is never cancelled.
            var (received, nextFree) = await CallAsync(
                session => session.Receive(maxMessages, lease), CancellationToken.None);
            var left = wait - _time.GetElapsedTime(started);
            if (received.Count > 0 || left <= TimeSpan.Zero) return received;

            var pause = left < _bell.PollInterval ? left : _bell.PollInterval;
            // The end of a lease rings no bell.
            if (nextFree < pause) pause = nextFree.Value;
            await ring.WaitAsync(pause, _time, stopWaiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return [];
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
        QueueArguments.CheckBatch(receipts);
        return await CallAsync(session => session.Delete(receipts), cancellation);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation)
    {
        QueueArguments.CheckExtend(receipts, lease);
        return await CallAsync(session => session.Extend(receipts, lease), cancellation);
    }

    /// <inheritdoc />
    public Task<QueueMeasure> MeasureAsync(CancellationToken cancellation) =>
        CallAsync(session => session.Measure(), cancellation);

    /// <inheritdoc />
    /// <remarks>Other calls may keep the queue's thread busy for a while, so this check runs on another
    /// thread.</remarks>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        if (_contents is null) await ContentsAsync(cancellation);
        Task check;
        lock (_checking)
        {
            var isFresh = _checkedAt is { } at && _time.GetElapsedTime(at) < CheckValidFor;
            // Checking that the file exists costs almost nothing.
            if (_lastCheck.IsCompleted && (!isFresh || _mustProbe || !File.Exists(_settings.DatabasePath)))
            {
                _checkedAt = _time.GetTimestamp();
                _lastCheck = Task.Run(CheckOnAnotherThread, CancellationToken.None);
            }

            check = _lastCheck;
        }

        await check.WaitAsync(cancellation);
    }

    /// <inheritdoc />
    public async Task<string?> ContentsAsync(CancellationToken cancellation) =>
        await CallAsync(session => session.Contents, cancellation);

    /// <summary>Finishes the calls under way and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        await _thread.DisposeAsync();
        _bell.Dispose();
        _deadLetterBell?.Dispose();
    }

    private async Task<T> CallAsync<T>(Func<QueueSession, T> call, CancellationToken cancellation)
    {
        try
        {
            return await _thread.RunAsync(
                session =>
                {
                    if (session.FileHasMoved)
                        throw Lost($"{_settings.DatabasePath} is gone, or another file is in its place");
                    _contents = session.Contents;
                    if (_mustProbe || _probedAt is not { } at || _time.GetElapsedTime(at) >= ProbeInterval)
                        ProbeForDamage(session);
                    return call(session);
                },
                cancellation);
        }
        catch (Exception failure) when (SqliteDatabase.IsRefusal(failure, _settings.DatabasePath))
        {
            throw new QueueRefusedException($"The queue's database may not be used: {failure.Message}", failure);
        }
        catch (Exception failure) when (SqliteDatabase.IsUnavailable(failure))
        {
            _mustProbe = true;
            _wasLost |= SqliteDatabase.IsDamaged(failure) || failure is ForeignDatabaseException;
            throw Unavailable(failure);
        }
    }

    private IOException Lost(string message)
    {
        _wasLost = true;
        return new IOException(message);
    }

    private void CheckOnAnotherThread()
    {
        try
        {
            Probe(_contents);
        }
        catch (Exception failure) when (SqliteDatabase.IsUnavailable(failure))
        {
            // The next call checks too, and closes the file.
            _mustProbe = true;
            throw Unavailable(failure);
        }
    }

    private void ProbeForDamage(QueueSession session)
    {
        Probe(session.Contents);
        _mustProbe = false;
        _probedAt = _time.GetTimestamp();
    }

    /// <summary>Reads the file in a new session.</summary>
    private void Probe(string? contents)
    {
        if (!File.Exists(_settings.DatabasePath)) throw new IOException($"{_settings.DatabasePath} is gone");
        using var probe = new QueueFileProbe(_settings.DatabasePath);
        if (probe.Contents() != contents)
            throw new IOException($"{_settings.DatabasePath} was replaced by another file");
    }

    private static QueueUnavailableException Unavailable(Exception failure) =>
        new($"The queue's database cannot be used: {failure.Message}", failure);

    private static QueueOutcome Check(OutgoingMessage message) =>
        message.GroupId.Length is 0 or > MaxIdLength ? Invalid($"A group id has 1 to {MaxIdLength} characters.")
        : message.DeduplicationId.Length is 0 or > MaxIdLength
            ? Invalid($"A deduplication id has 1 to {MaxIdLength} characters.")
        : Encoding.UTF8.GetByteCount(message.Body) > OutgoingMessage.MaxBodyBytes ? Invalid("A body has at most 256 KiB as UTF-8.")
        : QueueOutcome.Done;

    private static QueueOutcome Invalid(string reason) => new(QueueOutcomeKind.Invalid, reason);
}
