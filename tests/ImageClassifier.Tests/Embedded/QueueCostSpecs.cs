using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;
using Xunit;
using static System.StringComparison;

namespace ImageClassifier.Tests.Embedded;

/// <summary>What a send and a measure cost does not depend on the number of waiting messages.</summary>
public sealed class QueueCostSpecs : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private SqliteMessageQueue _queue = null!;
    private SqliteMessageQueue _dead = null!;

    private SqliteQueueSettings Settings => new(_folder.Layout.RequestQueue, "requests", maxReceives: 1);

    public Task InitializeAsync()
    {
        _queue = new SqliteMessageQueue(Settings);
        _dead = new SqliteMessageQueue(Settings.DeadLetters());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _dead.DisposeAsync();
        _folder.Remove();
    }

    [Fact]
    public async Task A_measure_reads_only_a_counter_and_messages_that_were_received()
    {
        await SendAsync(1);

        Assert.Equal(
            [
                "SEARCH counts USING PRIMARY KEY (queue=?)",
                "SEARCH messages USING COVERING INDEX messages_received (queue=? AND receives>?)",
            ],
            PlanOf(QueueSession.MeasureQuery).Where(step => step.StartsWith("SEARCH", Ordinal) || step.Contains("messages", Ordinal)));
    }

    [Fact]
    public async Task The_counter_follows_sends_deletes_dead_letters_and_retention()
    {
        await SendAsync(4);
        await SendAsync(3);
        Assert.Equal(new QueueMeasure(7, 0), await _queue.MeasureAsync(default));

        var received = await _queue.ReceiveAsync(3, TimeSpan.Zero, Lease, default);
        await _queue.DeleteAsync([received[0].Receipt], default);
        Assert.Equal(new QueueMeasure(4, 2), await _queue.MeasureAsync(default));

        await _queue.ExtendAsync([received[1].Receipt], TimeSpan.Zero, default);
        Assert.Single(await _queue.ReceiveAsync(1, TimeSpan.Zero, Lease, default));
        Assert.Equal(new QueueMeasure(3, 2), await _queue.MeasureAsync(default));
        Assert.Equal(new QueueMeasure(1, 0), await _dead.MeasureAsync(default));

        using var retention = new QueueRetentionSession(Settings.DatabasePath);
        Assert.Equal(6, retention.RemoveSentBefore(TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(1)));
        Assert.Equal(new QueueMeasure(0, 0), await _queue.MeasureAsync(default));
        Assert.Equal(new QueueMeasure(0, 0), await _dead.MeasureAsync(default));
    }

    [Fact]
    public async Task A_send_of_ten_jobs_behind_thousands_changes_only_the_last_pages_of_the_indexes()
    {
        for (var sent = 0; sent < 2000; sent += 10) await SendAsync(10);
        Checkpoint("TRUNCATE");

        await SendAsync(10);

        // With random ids it is about 25.
        Assert.InRange(Checkpoint("PASSIVE"), 1, 15);
    }

    private Task SendAsync(int count) => _queue.SendAsync(
        [.. Enumerable.Range(0, count).Select(_ => JobId.New().Value).Select(id => new OutgoingMessage(id, id, $"{id}:1"))],
        default);

    /// <summary>Runs a checkpoint.</summary>
    /// <returns>The number of pages in the journal.</returns>
    private long Checkpoint(string mode)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = $"PRAGMA wal_checkpoint({mode})";
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        return reader.GetInt64(1);
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={Settings.DatabasePath};Pooling=False");
        connection.Open();
        return connection;
    }

    private List<string> PlanOf(string query)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {query}";
        command.Parameters.AddWithValue("$queue", Settings.Name);
        command.Parameters.AddWithValue("$now", 0);
        using var reader = command.ExecuteReader();
        var steps = new List<string>();
        while (reader.Read()) steps.Add(reader.GetString(3));
        return steps;
    }
}
