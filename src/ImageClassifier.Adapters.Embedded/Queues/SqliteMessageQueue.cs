using System.Text;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>
/// A durable queue in a SQLite file, shared by the processes of one machine. It survives killed processes; a power cut
/// can lose the last moments. Leases and the deduplication window run by SQLite's own clock.
/// </summary>
/// <remarks>
/// A message that comes free after its last allowed receive moves to the dead-letter queue at the next receive.
/// Deleting a message that is gone already is done. While a message of a group is in flight, none of that group is
/// received; several of one group can come in one receive.
/// </remarks>
public sealed class SqliteMessageQueue : IMessageQueue, IAsyncDisposable
{
    private const int MaxBodyBytes = 256 * 1024;
    private const int MaxIdLength = 128;
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MaxLease = TimeSpan.FromHours(12);

    // Leases run out silently, and a bell can be missed.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    private readonly SqliteThread<QueueSession> _thread;
    private readonly Bell _bell;
    private readonly Bell? _deadLetterBell;
    private readonly TimeProvider _time;
    private readonly string _path;

    /// <summary>Makes the queue; its file is opened, or created, by the first call.</summary>
    /// <param name="settings">Which queue.</param>
    /// <param name="time">Measures how long a receive waits, and nothing else.</param>
    public SqliteMessageQueue(SqliteQueueSettings settings, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _path = settings.DatabasePath;
        _bell = Bell.For(settings.DatabasePath, settings.Name);
        if (settings.DeadLetterName is { } deadLetters) _deadLetterBell = Bell.For(settings.DatabasePath, deadLetters);
        _thread = new SqliteThread<QueueSession>(
            $"queue {settings.Name}", () => new QueueSession(settings, _bell, _deadLetterBell));
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> SendAsync(
        IReadOnlyList<OutgoingMessage> messages, CancellationToken cancellation)
    {
        CheckBatch(messages);
        var outcomes = messages.Select(Check).ToArray();
        var good = messages.Where((_, i) => outcomes[i].Succeeded).ToArray();
        if (good.Length > 0) await CallAsync(session => session.Send(good), cancellation);
        return outcomes;
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<ReceivedMessage>> ReceiveAsync(
        int maxMessages, TimeSpan wait, TimeSpan lease, CancellationToken stopWaiting)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxMessages, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxMessages, IMessageQueue.MaxBatch);
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, MaxWait);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lease, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, MaxLease);

        var started = _time.GetTimestamp();
        while (!stopWaiting.IsCancellationRequested)
        {
            var ring = wait > TimeSpan.Zero ? _bell.NextRing() : Task.CompletedTask;
            // What has been leased must reach the caller, so looking is never broken off.
            var received = await CallAsync(session => session.Receive(maxMessages, lease), CancellationToken.None);
            var left = wait - _time.GetElapsedTime(started);
            if (received.Count > 0 || left <= TimeSpan.Zero) return received;

            var pause = left < LookInterval ? left : LookInterval;
            await ring.WaitAsync(pause, _time, stopWaiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return [];
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> DeleteAsync(
        IReadOnlyList<Receipt> receipts, CancellationToken cancellation)
    {
        CheckBatch(receipts);
        return await CallAsync(session => session.Delete(receipts), cancellation);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<QueueOutcome>> ExtendAsync(
        IReadOnlyList<Receipt> receipts, TimeSpan lease, CancellationToken cancellation)
    {
        CheckBatch(receipts);
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, MaxLease);
        return await CallAsync(session => session.Extend(receipts, lease), cancellation);
    }

    /// <inheritdoc />
    public Task<QueueMeasure> MeasureAsync(CancellationToken cancellation) =>
        CallAsync(session => session.Measure(), cancellation);

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
            return await _thread.RunAsync(call, cancellation);
        }
        catch (Exception failure) when (SqliteDatabase.IsRefusal(failure, _path))
        {
            throw new QueueRefusedException($"The queue's database may not be used: {failure.Message}", failure);
        }
        catch (Exception failure) when (SqliteDatabase.IsUnavailable(failure))
        {
            throw new QueueUnavailableException($"The queue's database cannot be used: {failure.Message}", failure);
        }
    }

    private static void CheckBatch<T>(IReadOnlyList<T> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries.Count, IMessageQueue.MaxBatch);
    }

    private static QueueOutcome Check(OutgoingMessage message) =>
        message.GroupId.Length is 0 or > MaxIdLength ? Invalid($"A group id has 1 to {MaxIdLength} characters.")
        : message.DeduplicationId.Length is 0 or > MaxIdLength
            ? Invalid($"A deduplication id has 1 to {MaxIdLength} characters.")
        : Encoding.UTF8.GetByteCount(message.Body) > MaxBodyBytes ? Invalid("A body has at most 256 KiB as UTF-8.")
        : QueueOutcome.Done;

    private static QueueOutcome Invalid(string reason) => new(QueueOutcomeKind.Invalid, reason);
}
