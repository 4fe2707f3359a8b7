using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

/// <summary>The scaler measures the queue after each send, so a measure must not read the waiting messages.</summary>
public sealed class QueueMeasureSpecs : IAsyncLifetime
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
            PlanOf(QueueSession.MeasureQuery).Where(step => step.Contains("counts") || step.Contains("messages")));
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

    private Task SendAsync(int count) => _queue.SendAsync(
        [.. Enumerable.Range(0, count).Select(_ => Guid.NewGuid().ToString("n")).Select(id => new OutgoingMessage(id, id, id))],
        default);

    private List<string> PlanOf(string query)
    {
        using var connection = new SqliteConnection($"Data Source={Settings.DatabasePath};Pooling=False");
        connection.Open();
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
