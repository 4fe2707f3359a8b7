using System.Globalization;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Queues;

/// <summary>
/// The queue's database, open. A message is in flight while its <c>visible_at</c> is in the future. One receiving of it
/// is known by its id and its count of receives: that pair never comes again, so it is the receipt.
/// </summary>
internal sealed class QueueSession : SqliteSession
{
    internal const string Schema = """
        CREATE TABLE IF NOT EXISTS messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            queue TEXT NOT NULL,
            group_id TEXT NOT NULL,
            body TEXT NOT NULL,
            sent_at INTEGER NOT NULL,
            visible_at INTEGER NOT NULL DEFAULT 0,
            receives INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX IF NOT EXISTS messages_in_order ON messages (queue, id);
        CREATE INDEX IF NOT EXISTS messages_by_group ON messages (queue, group_id, visible_at);
        CREATE INDEX IF NOT EXISTS messages_received ON messages (queue, receives, visible_at) WHERE receives > 0;
        CREATE TABLE IF NOT EXISTS deduplication (
            queue TEXT NOT NULL,
            deduplication_id TEXT NOT NULL,
            sent_at INTEGER NOT NULL,
            PRIMARY KEY (queue, deduplication_id)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS deduplication_by_age ON deduplication (queue, sent_at);
        """;

    private static readonly long ForgetIntervalMs = (long)TimeSpan.FromMinutes(1).TotalMilliseconds;

    private readonly SqliteQueueSettings _settings;
    private readonly Bell _bell;
    private readonly Bell? _deadLetterBell;
    private readonly long _windowMs;
    private readonly SqliteStatement _remember;
    private readonly SqliteStatement _forget;
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _anyVisible;
    private readonly SqliteStatement _deadLetter;
    private readonly SqliteStatement _claim;
    private readonly SqliteStatement _delete;
    private readonly SqliteStatement _exists;
    private readonly SqliteStatement _groupHasMore;
    private readonly SqliteStatement _extend;
    private readonly SqliteStatement _measure;
    private long _forgottenAt;

    public QueueSession(SqliteQueueSettings settings, Bell bell, Bell? deadLetterBell)
        : base(settings.DatabasePath, Schema)
    {
        _settings = settings;
        _bell = bell;
        _deadLetterBell = deadLetterBell;
        _windowMs = (long)settings.DeduplicationWindow.TotalMilliseconds;

        _remember = Statement(
            """
            INSERT INTO deduplication (queue, deduplication_id, sent_at) VALUES ($queue, $id, $now)
            ON CONFLICT DO UPDATE SET sent_at = excluded.sent_at WHERE sent_at <= excluded.sent_at - $window
            """, "$queue", "$id", "$now", "$window");
        _forget = Statement(
            "DELETE FROM deduplication WHERE queue = $queue AND sent_at <= $before", "$queue", "$before");
        _insert = Statement(
            "INSERT INTO messages (queue, group_id, body, sent_at) VALUES ($queue, $group, $body, $now)",
            "$queue", "$group", "$body", "$now");
        _anyVisible = Statement(
            $"""
            SELECT EXISTS (SELECT 1 FROM messages INDEXED BY messages_in_order
                WHERE queue = $queue AND visible_at <= {SqliteDatabase.Now})
            """, "$queue");
        _deadLetter = Statement(
            """
            UPDATE messages INDEXED BY messages_received SET queue = $deadLetters
            WHERE queue = $queue AND receives > 0 AND receives >= $limit AND visible_at <= $now
            """, "$queue", "$deadLetters", "$limit", "$now");
        _claim = Statement(
            """
            UPDATE messages SET visible_at = $until, receives = receives + 1
            WHERE id IN (
                SELECT id FROM messages AS candidate INDEXED BY messages_in_order
                WHERE queue = $queue AND visible_at <= $now AND NOT EXISTS (
                    SELECT 1 FROM messages AS held INDEXED BY messages_by_group
                    WHERE held.queue = $queue AND held.group_id = candidate.group_id AND held.visible_at > $now)
                ORDER BY id LIMIT $max)
            RETURNING id, body, group_id, receives
            """, "$queue", "$now", "$until", "$max");
        _delete = Statement(
            "DELETE FROM messages WHERE id = $id AND queue = $queue AND receives = $receives RETURNING group_id",
            "$id", "$queue", "$receives");
        _exists = Statement("SELECT 1 FROM messages WHERE id = $id", "$id");
        _groupHasMore = Statement(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE queue = $queue AND group_id = $group)", "$queue", "$group");
        _extend = Statement(
            """
            UPDATE messages SET visible_at = $until
            WHERE id = $id AND queue = $queue AND receives = $receives AND visible_at > $now
            """, "$id", "$queue", "$receives", "$now", "$until");
        _measure = Statement(
            $"""
            SELECT count(*), count(*) FILTER (WHERE visible_at > {SqliteDatabase.Now})
            FROM messages INDEXED BY messages_by_group WHERE queue = $queue
            """, "$queue");
    }

    /// <summary>Takes the messages that are no duplicates.</summary>
    /// <returns>How many were.</returns>
    public int Send(IReadOnlyList<OutgoingMessage> messages)
    {
        var inserted = Transact(now =>
        {
            if (now - _forgottenAt > ForgetIntervalMs)
            {
                _forget.Execute(_settings.Name, now - _windowMs);
                _forgottenAt = now;
            }

            var count = 0;
            foreach (var message in messages)
            {
                var isNew = _remember.Execute(_settings.Name, message.DeduplicationId, now, _windowMs) > 0;
                if (isNew) count += _insert.Execute(_settings.Name, message.GroupId, message.Body, now);
            }

            return count;
        });
        if (inserted > 0) _bell.Ring();
        return inserted;
    }

    /// <summary>Leases what can be received now.</summary>
    public IReadOnlyList<ReceivedMessage> Receive(int max, TimeSpan lease)
    {
        // Those who wait look often, and writers should not have to wait for them.
        if (_anyVisible.Number(_settings.Name) == 0) return [];

        var (received, dead) = Transact(now =>
        {
            var dead = _settings is { MaxReceives: { } limit, DeadLetterName: { } deadLetters }
                ? _deadLetter.Execute(_settings.Name, deadLetters, limit, now)
                : 0;
            // RETURNING promises no order.
            var rows = _claim.Rows(ReadMessage, _settings.Name, now, now + Milliseconds(lease), max);
            return (rows.OrderBy(row => row.Id).Select(row => row.Message).ToArray(), dead);
        });
        if (dead > 0) _deadLetterBell?.Ring();
        return received;
    }

    /// <summary>Deletes a message unless someone has received it since.</summary>
    public IReadOnlyList<QueueOutcome> Delete(IReadOnlyList<Receipt> receipts)
    {
        var (outcomes, freed) = Transact(_ =>
        {
            var freed = false;
            return (receipts.Select(receipt => OutcomeOf(receipt, DeleteOne)).ToArray(), freed);

            QueueOutcome DeleteOne(long id, long receives)
            {
                var groups = _delete.Rows(row => row.GetString(0), id, _settings.Name, receives);
                // A message that is gone was deleted already: a call that is made again finds its work done.
                if (groups.Count == 0) return _exists.Number(id) is null ? QueueOutcome.Done : QueueOutcome.LeaseLost;
                freed |= _groupHasMore.Number(_settings.Name, groups[0]) == 1;
                return QueueOutcome.Done;
            }
        });
        if (freed) _bell.Ring();
        return outcomes;
    }

    /// <summary>Sets leases that have not run out to run from now.</summary>
    public IReadOnlyList<QueueOutcome> Extend(IReadOnlyList<Receipt> receipts, TimeSpan lease)
    {
        var outcomes = Transact(now => receipts
            .Select(receipt => OutcomeOf(receipt, (id, receives) =>
                _extend.Execute(id, _settings.Name, receives, now, now + Milliseconds(lease)) == 1
                    ? QueueOutcome.Done
                    : QueueOutcome.LeaseLost))
            .ToArray());
        if (lease == TimeSpan.Zero) _bell.Ring();
        return outcomes;
    }

    /// <summary>Counts the messages.</summary>
    public QueueMeasure Measure()
    {
        var (all, inFlight) = _measure.Rows(row => (row.GetInt32(0), row.GetInt32(1)), _settings.Name)[0];
        return new QueueMeasure(all - inFlight, inFlight);
    }

    private static QueueOutcome OutcomeOf(Receipt receipt, Func<long, long, QueueOutcome> act)
    {
        var parts = receipt.Value?.Split('-');
        return parts is [var idText, var receivesText]
            && long.TryParse(idText, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && long.TryParse(receivesText, NumberStyles.None, CultureInfo.InvariantCulture, out var receives)
            ? act(id, receives)
            : new QueueOutcome(QueueOutcomeKind.Invalid, "This is no receipt of this queue.");
    }

    private static (long Id, ReceivedMessage Message) ReadMessage(SqliteDataReader row)
    {
        var id = row.GetInt64(0);
        var receives = row.GetInt32(3);
        var receipt = new Receipt(string.Create(CultureInfo.InvariantCulture, $"{id}-{receives}"));
        return (id, new ReceivedMessage(row.GetString(1), row.GetString(2), receipt, receives));
    }

    private static long Milliseconds(TimeSpan time) => (long)Math.Ceiling(time.TotalMilliseconds);
}
