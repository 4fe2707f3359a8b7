using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>A row of the fleet's table.</summary>
/// <param name="Instance">The instance, as the port shows it.</param>
/// <param name="CameUp">True once the process has held its lock. From then on the lock shows whether it lives.</param>
internal sealed record FleetRow(FleetInstance Instance, bool CameUp);

/// <summary>Whether the fleet wants an instance to drain or to terminate.</summary>
internal readonly record struct FleetRequests(bool Drain, bool Terminate);

/// <summary>An open session on the fleet's table. It has a row for each instance. The fleet and the instances write
/// it.</summary>
internal sealed class FleetSession : SqliteSession
{
    // "ICfl"
    private const int ApplicationId = 0x4943666c;

    // SQLite's clock in whole milliseconds since 1970. These times are only shown to people; no limit depends on them.
    private const string SqliteNow = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

    private const string FirstVersion = """
        CREATE TABLE instances (
            id TEXT PRIMARY KEY,
            client_token TEXT,
            state INTEGER NOT NULL,
            came_up INTEGER NOT NULL DEFAULT 0,
            drain INTEGER NOT NULL DEFAULT 0,
            terminate INTEGER NOT NULL DEFAULT 0,
            launched_at INTEGER NOT NULL,
            running_at INTEGER,
            ended_at INTEGER) WITHOUT ROWID;
        CREATE INDEX instances_by_token ON instances (client_token) WHERE client_token IS NOT NULL;
        CREATE INDEX instances_by_end ON instances (ended_at);
        """;

    internal static DatabaseSchema Schema { get; } = new(
        "The fleet's table",
        ApplicationId,
        Steps: [FirstVersion],
        FirstVersion:
        [
            "SELECT id, client_token, state, came_up, drain, terminate, launched_at, running_at, ended_at "
            + "FROM instances LIMIT 0",
        ]);

    private readonly SqliteStatement _now;
    private readonly SqliteStatement _byToken;
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _comeUp;
    private readonly SqliteStatement _list;
    private readonly SqliteStatement _advance;
    private readonly SqliteStatement _end;
    private readonly SqliteStatement _endUnchanged;
    private readonly SqliteStatement _drain;
    private readonly SqliteStatement _drainAll;
    private readonly SqliteStatement _terminate;
    private readonly SqliteStatement _forget;
    private readonly SqliteStatement _names;
    private readonly SqliteStatement _requests;

    public FleetSession(string path) : base(path, Schema)
    {
        var ended = (int)InstanceState.Ended;
        _now = Statement(SqliteNow);
        _byToken = Statement("SELECT id FROM instances WHERE client_token = $token ORDER BY id", "$token");
        _insert = Statement(
            $"""
            INSERT INTO instances (id, client_token, state, launched_at)
            VALUES ($id, $token, {(int)InstanceState.Pending}, $now)
            """, "$id", "$token", "$now");
        // An instance that was given up while it started slowly keeps its requests. An instance that ran and ended
        // before starts with none.
        _comeUp = Statement(
            $"""
            INSERT INTO instances (id, state, came_up, launched_at) VALUES ($id, {(int)InstanceState.Pending}, 1, $now)
            ON CONFLICT DO UPDATE SET
                came_up = 1,
                state = excluded.state,
                launched_at = iif(running_at IS NULL, launched_at, excluded.launched_at),
                drain = iif(running_at IS NULL, drain, 0),
                terminate = iif(running_at IS NULL, terminate, 0),
                running_at = NULL,
                ended_at = NULL
            """, "$id", "$now");
        _list = Statement(
            """
            SELECT id, state, launched_at, running_at, ended_at, came_up FROM instances
            WHERE ended_at IS NULL OR ended_at > $endedAfter ORDER BY launched_at, id
            """, "$endedAfter");
        // States only move forward, and the first poll happens once.
        _advance = Statement(
            $"""
            UPDATE instances SET state = $state, running_at = CASE
                WHEN $state = {(int)InstanceState.Running} THEN coalesce(running_at, $now) ELSE running_at END
            WHERE id = $id AND state < $state
            """, "$id", "$state", "$now");
        _end = Statement(
            $"UPDATE instances SET state = {ended}, ended_at = $now WHERE id = $id AND ended_at IS NULL",
            "$id", "$now");
        // Only a row that has not changed since it was read, because a slow instance can have come up meanwhile. If it
        // comes up after it was given up, it must terminate at once.
        _endUnchanged = Statement(
            $"""
            UPDATE instances SET state = {ended}, ended_at = $now, terminate = iif(came_up, terminate, 1)
            WHERE id = $id AND ended_at IS NULL AND came_up = $cameUp
            """, "$id", "$cameUp", "$now");
        _drainAll = Statement("UPDATE instances SET drain = 1 WHERE ended_at IS NULL AND drain = 0");
        _drain = Statement("UPDATE instances SET drain = 1 WHERE id = $id AND ended_at IS NULL", "$id");
        // An instance that never came up is ended at once. If it still comes up, it finds the request to terminate.
        _terminate = Statement(
            $"""
            UPDATE instances SET
                terminate = 1,
                state = iif(came_up, state, {ended}),
                ended_at = iif(came_up, ended_at, coalesce(ended_at, $now))
            WHERE id = $id
            """, "$id", "$now");
        _forget = Statement("DELETE FROM instances WHERE ended_at < $before", "$before");
        _names = Statement("SELECT id FROM instances");
        _requests = Statement("SELECT drain, terminate FROM instances WHERE id = $id", "$id");
    }

    /// <summary>Returns the instances that were launched with a token. If there are none, starts and enters those of
    /// <paramref name="fresh"/>.</summary>
    /// <param name="token">The client token of the launch.</param>
    /// <param name="fresh">New instance ids.</param>
    /// <param name="start">Starts the process of an instance; false if it cannot. It runs within the transaction. So a
    /// launcher that dies meanwhile leaves no row without a process, and a process that it did start enters
    /// itself.</param>
    public (IReadOnlyList<InstanceId> Instances, bool AreNew) Launch(
        string token, IReadOnlyList<InstanceId> fresh, Func<InstanceId, bool> start) =>
        Transact<(IReadOnlyList<InstanceId>, bool)>(() =>
        {
            var now = Now();
            var known = LaunchedWith(token);
            if (known.Count > 0) return (known, false);
            InstanceId[] started = [.. fresh.TakeWhile(start)];
            foreach (var instance in started) _insert.Execute(instance.Value, token, now);
            return (started, true);
        });

    /// <summary>The instances that were launched with a token, also those that ended lately.</summary>
    public IReadOnlyList<InstanceId> LaunchedWith(string token) =>
        _byToken.Rows(row => InstanceId.Parse(row.GetString(0)), token);

    /// <summary>Enters an instance whose process holds its lock.</summary>
    public int ComeUp(InstanceId instance) => _comeUp.Execute(instance.Value, Now());

    /// <summary>Lists the live instances, and those that ended within <paramref name="endedFor"/>.</summary>
    public IReadOnlyList<FleetRow> List(TimeSpan endedFor) =>
        _list.Rows(ReadRow, Now() - (long)endedFor.TotalMilliseconds);

    /// <summary>The ids of all instances in the table.</summary>
    public IReadOnlyList<string> AllNames() => _names.Rows(row => row.GetString(0));

    /// <summary>Moves an instance to a later state.</summary>
    public int Advance(InstanceId instance, InstanceState state) =>
        state == InstanceState.Ended ? End(instance) : _advance.Execute(instance.Value, (int)state, Now());

    /// <summary>Marks an instance as ended.</summary>
    public int End(InstanceId instance) => _end.Execute(instance.Value, Now());

    /// <summary>Marks instances as ended, unless their rows have changed since they were read.</summary>
    public int End(IReadOnlyList<FleetRow> seen) => Transact(() =>
        seen.Sum(row => _endUnchanged.Execute(row.Instance.Id.Value, row.CameUp, Now())));

    /// <summary>Asks every live instance to drain.</summary>
    public int DrainAll() => _drainAll.Execute();

    /// <summary>Asks an instance to drain.</summary>
    public int Drain(InstanceId instance) => _drain.Execute(instance.Value);

    /// <summary>Asks an instance to terminate at once.</summary>
    public int Terminate(InstanceId instance) => _terminate.Execute(instance.Value, Now());

    /// <summary>Deletes the rows of instances that ended before a time.</summary>
    public int Forget(DateTimeOffset endedBefore) => _forget.Execute(endedBefore.ToUnixTimeMilliseconds());

    /// <summary>The requests of the fleet to an instance.</summary>
    public FleetRequests RequestsFor(InstanceId instance) =>
        _requests.Rows(row => new FleetRequests(row.GetBoolean(0), row.GetBoolean(1)), instance.Value).FirstOrDefault();

    private long Now() => _now.Number()!.Value;

    private static FleetRow ReadRow(SqliteDataReader row) => new(
        new FleetInstance(
            InstanceId.Parse(row.GetString(0)), (InstanceState)row.GetInt32(1), Time(row, 2)!.Value, Time(row, 3),
            Time(row, 4)),
        row.GetBoolean(5));

    private static DateTimeOffset? Time(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
