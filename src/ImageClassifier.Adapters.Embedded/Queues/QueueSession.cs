using System.Globalization;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>
/// An open session on the queue's database. A message is in flight while its <c>free_at</c> is in the future. Its
/// receipt is its id and its receive count: that pair never occurs again.
/// </summary>
/// <remarks>Leases and the deduplication window are measured by <see cref="MachineClock"/>. They end when the machine
/// restarts, because no process survives that.</remarks>
internal sealed class QueueSession : SqliteSession
{
    // No lease is this long. So a later free_at is of an earlier boot.
    private static readonly long FarAheadMs = (long)TimeSpan.FromDays(1).TotalMilliseconds;

    private static readonly long ForgetIntervalMs = (long)TimeSpan.FromMinutes(1).TotalMilliseconds;

    /// <summary>Reads the number of messages and the number in flight. It does not look at messages that were never
    /// received.</summary>
    internal const string MeasureQuery =
        """
        SELECT
            ifnull((SELECT messages FROM counts WHERE queue = $queue), 0),
            (SELECT count(*) FROM messages INDEXED BY messages_received
                WHERE queue = $queue AND receives > 0 AND free_at > $now)
        """;

    private readonly SqliteQueueSettings _settings;
    private readonly MachineClock _clock;
    private readonly TimeProvider _time;
    private readonly Bell _bell;
    private readonly Bell? _deadLetterBell;
    private readonly long _windowMs;
    private readonly SqliteStatement _remember;
    private readonly SqliteStatement _forget;
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _anyVisible;
    private readonly SqliteStatement _nextFree;
    private readonly SqliteStatement _deadLetter;
    private readonly SqliteStatement _claim;
    private readonly SqliteStatement _delete;
    private readonly SqliteStatement _exists;
    private readonly SqliteStatement _groupHasMore;
    private readonly SqliteStatement _extend;
    private readonly SqliteStatement _measure;
    private long _forgottenAt = long.MinValue / 2;

    public QueueSession(
        SqliteQueueSettings settings, Bell bell, Bell? deadLetterBell, MachineClock clock, TimeProvider time,
        bool create, bool rename)
        : base(settings.DatabasePath, QueueSchema.Schema, create)
    {
        _settings = settings;
        _clock = clock;
        _time = time;
        _bell = bell;
        _deadLetterBell = deadLetterBell;
        _windowMs = (long)settings.DeduplicationWindow.TotalMilliseconds;

        _remember = Statement(
            """
            INSERT INTO deduplication (queue, deduplication_id, taken_at) VALUES ($queue, $id, $now)
            ON CONFLICT DO UPDATE SET taken_at = excluded.taken_at WHERE taken_at <= excluded.taken_at - $window
            """, "$queue", "$id", "$now", "$window");
        _forget = Statement(
            "DELETE FROM deduplication WHERE queue = $queue AND taken_at <= $before", "$queue", "$before");
        _insert = Statement(
            "INSERT INTO messages (queue, group_id, body, sent_at) VALUES ($queue, $group, $body, $sent)",
            "$queue", "$group", "$body", "$sent");
        _anyVisible = Statement(
            """
            SELECT EXISTS (SELECT 1 FROM messages INDEXED BY messages_in_order
                WHERE queue = $queue AND free_at <= $now)
            """, "$queue", "$now");
        _nextFree = Statement(
            "SELECT min(free_at) FROM messages INDEXED BY messages_by_group WHERE queue = $queue AND free_at > $now",
            "$queue", "$now");
        _deadLetter = Statement(
            """
            UPDATE messages INDEXED BY messages_received SET queue = $deadLetters
            WHERE queue = $queue AND receives > 0 AND receives >= $limit AND free_at <= $now
            """, "$queue", "$deadLetters", "$limit", "$now");
        _claim = Statement(
            """
            UPDATE messages SET free_at = $until, receives = receives + 1
            WHERE id IN (
                SELECT id FROM messages AS candidate INDEXED BY messages_in_order
                WHERE queue = $queue AND free_at <= $now AND NOT EXISTS (
                    SELECT 1 FROM messages AS held INDEXED BY messages_by_group
                    WHERE held.queue = $queue AND held.group_id = candidate.group_id AND held.free_at > $now)
                ORDER BY id LIMIT $max)
            RETURNING id, body, group_id, receives, sent_at
            """, "$queue", "$now", "$until", "$max");
        _delete = Statement(
            "DELETE FROM messages WHERE id = $id AND queue = $queue AND receives = $receives RETURNING group_id",
            "$id", "$queue", "$receives");
        _exists = Statement("SELECT 1 FROM messages WHERE id = $id", "$id");
        _groupHasMore = Statement(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE queue = $queue AND group_id = $group)", "$queue", "$group");
        _extend = Statement(
            """
            UPDATE messages SET free_at = $until
            WHERE id = $id AND queue = $queue AND receives = $receives AND free_at > $now
            """, "$id", "$queue", "$receives", "$now", "$until");
        _measure = Statement(MeasureQuery, "$queue", "$now");
        var contents = Statement("SELECT contents FROM file");
        try
        {
            if (rename) Statement($"UPDATE file SET {QueueSchema.NewContents}").Execute();
            Contents = contents.Rows(row => row.GetString(0)).FirstOrDefault() ?? "";
            StartAnewAfterReboot();
        }
        catch (Exception failure)
        {
            DisposeAfter(failure);
            throw;
        }
    }

    /// <summary>The identity of the file's contents. A file that is created anew has another identity.</summary>
    public string Contents { get; }

    /// <summary>Stores the messages that are no duplicates.</summary>
    /// <returns>The number of messages stored.</returns>
    public int Send(IReadOnlyList<OutgoingMessage> messages)
    {
        var inserted = Transact(() =>
        {
            var (now, sentAt) = (_clock.Now, _time.GetUtcNow().ToUnixTimeMilliseconds());
            if (now - _forgottenAt > ForgetIntervalMs)
            {
                _forget.Execute(_settings.Name, now - _windowMs);
                _forgottenAt = now;
            }

            var count = 0;
            foreach (var message in messages)
            {
                var isNew = _remember.Execute(_settings.Name, message.DeduplicationId, now, _windowMs) > 0;
                if (isNew) count += _insert.Execute(_settings.Name, message.GroupId, message.Body, sentAt);
            }

            return count;
        });
        if (inserted > 0) _bell.Ring();
        return inserted;
    }

    /// <summary>Leases visible messages.</summary>
    /// <returns>The messages. If there are none, also the time until the next lease ends; null if no message is in
    /// flight.</returns>
    public (IReadOnlyList<ReceivedMessage> Messages, TimeSpan? NextFree) Receive(int max, TimeSpan lease)
    {
        // The same moment for both questions: a lease that ended between them would be in neither answer.
        var asked = _clock.Now;
        // Waiters poll often, and writers should not wait for them. So this check takes no write lock.
        if (_anyVisible.Number(_settings.Name, asked) == 0) return ([], UntilNextLeaseEnds(asked));

        var (received, dead, nextFree) = Transact(() =>
        {
            var now = _clock.Now;
            var dead = _settings is { MaxReceives: { } limit, DeadLetterName: { } deadLetters }
                ? _deadLetter.Execute(_settings.Name, deadLetters, limit, now)
                : 0;
            // RETURNING guarantees no order.
            var receivedAt = _time.GetUtcNow();
            var rows = _claim.Rows(row => ReadMessage(row, receivedAt), _settings.Name, now, now + Milliseconds(lease), max);
            var messages = rows.OrderBy(row => row.Id).Select(row => row.Message).ToArray();
            return (messages, dead, messages.Length > 0 ? null : UntilNextLeaseEnds(now));
        });
        if (dead > 0) _deadLetterBell?.Ring();
        return (received, nextFree);
    }

    /// <summary>Deletes messages that nobody else has received since.</summary>
    public IReadOnlyList<QueueOutcome> Delete(IReadOnlyList<Receipt> receipts)
    {
        var (outcomes, freed) = Transact(() =>
        {
            var freed = false;
            return (receipts.Select(receipt => OutcomeOf(receipt, DeleteOne)).ToArray(), freed);

            QueueOutcome DeleteOne(long id, long receives)
            {
                var groups = _delete.Rows(row => row.GetString(0), id, _settings.Name, receives);
                // A missing message was deleted before, so a repeated call succeeds.
                if (groups.Count == 0) return _exists.Number(id) is null ? QueueOutcome.Done : QueueOutcome.LeaseLost;
                freed |= _groupHasMore.Number(_settings.Name, groups[0]) == 1;
                return QueueOutcome.Done;
            }
        });
        if (freed) _bell.Ring();
        return outcomes;
    }

    /// <summary>Sets leases that have not ended, counted from now.</summary>
    public IReadOnlyList<QueueOutcome> Extend(IReadOnlyList<Receipt> receipts, TimeSpan lease)
    {
        var outcomes = Transact(() =>
        {
            var now = _clock.Now;
            return receipts
                .Select(receipt => OutcomeOf(receipt, (id, receives) =>
                    _extend.Execute(id, _settings.Name, receives, now, now + Milliseconds(lease)) == 1
                        ? QueueOutcome.Done
                        : QueueOutcome.LeaseLost))
                .ToArray();
        });
        if (lease == TimeSpan.Zero) _bell.Ring();
        return outcomes;
    }

    public QueueMeasure Measure()
    {
        var (all, inFlight) = _measure.Rows(row => (row.GetInt32(0), row.GetInt32(1)), _settings.Name, _clock.Now)[0];
        return new QueueMeasure(all - inFlight, inFlight);
    }

    /// <summary>After a restart of the machine, ends all leases and restarts the deduplication windows. If the system
    /// has no boot id, a time far in the future shows that the clock has restarted.</summary>
    private void StartAnewAfterReboot()
    {
        var isOfThisRun = Statement(
            """
            SELECT (SELECT boot = $boot FROM file)
                AND NOT EXISTS (SELECT 1 FROM messages WHERE free_at > $far)
                AND NOT EXISTS (SELECT 1 FROM deduplication WHERE taken_at > $now)
            """, "$boot", "$far", "$now");
        var endLeases = Statement("UPDATE messages SET free_at = 0 WHERE free_at > 0");
        var restartWindows = Statement("UPDATE deduplication SET taken_at = $now", "$now");
        var setBoot = Statement("UPDATE file SET boot = $boot", "$boot");
        if (IsOfThisRun()) return;
        Transact(() =>
        {
            if (IsOfThisRun()) return 0;
            setBoot.Execute(_clock.Boot);
            return endLeases.Execute() + restartWindows.Execute(_clock.Now);
        });

        bool IsOfThisRun() => isOfThisRun.Number(_clock.Boot, _clock.Now + FarAheadMs, _clock.Now) == 1;
    }

    private TimeSpan? UntilNextLeaseEnds(long now) =>
        _nextFree.Number(_settings.Name, now) is { } freeAt ? TimeSpan.FromMilliseconds(freeAt - now) : null;

    private static QueueOutcome OutcomeOf(Receipt receipt, Func<long, long, QueueOutcome> act)
    {
        var parts = receipt.Value?.Split('-');
        return parts is [var idText, var receivesText]
            && long.TryParse(idText, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && long.TryParse(receivesText, NumberStyles.None, CultureInfo.InvariantCulture, out var receives)
            ? act(id, receives)
            : new QueueOutcome(QueueOutcomeKind.Invalid, "This is not a receipt of this queue.");
    }

    private static (long Id, ReceivedMessage Message) ReadMessage(SqliteDataReader row, DateTimeOffset receivedAt)
    {
        var id = row.GetInt64(0);
        var receives = row.GetInt32(3);
        var receipt = new Receipt(string.Create(CultureInfo.InvariantCulture, $"{id}-{receives}"));
        return (id, new ReceivedMessage(row.GetString(1), row.GetString(2), receipt, receives)
        {
            SentAt = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(4)),
            ReceivedAt = receivedAt,
        });
    }

    private static long Milliseconds(TimeSpan time) => (long)Math.Ceiling(time.TotalMilliseconds);
}
