using System.Globalization;
using BenchmarkDotNet.Attributes;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;

namespace ImageClassifier.Benchmarks.Parts;

/// <summary>The way of ten messages through the embedded queue.</summary>
public class QueueParts
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private readonly string _body = Jobs.Request().ToMessage().Body;
    private string _folder = "";
    private SqliteMessageQueue _queue = null!;
    private int _sent;

    [GlobalSetup]
    public void Open()
    {
        _folder = Directory.CreateTempSubdirectory("image-classifier-parts-queue-").FullName;
        _queue = new SqliteMessageQueue(new SqliteQueueSettings(Path.Combine(_folder, "queue.db"), "requests", 5));
    }

    [GlobalCleanup]
    public async Task CloseAsync()
    {
        await _queue.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark]
    public async Task SendReceiveDelete10Async()
    {
        await _queue.SendAsync([.. Enumerable.Range(0, IMessageQueue.MaxBatch).Select(_ => NewMessage())], CancellationToken.None);
        var received = await _queue.ReceiveAsync(IMessageQueue.MaxBatch, Wait, Lease, CancellationToken.None);
        if (received.Count < IMessageQueue.MaxBatch) throw new InvalidOperationException($"{received.Count} messages came.");
        await _queue.DeleteAsync([.. received.Select(message => message.Receipt)], CancellationToken.None);
    }

    private OutgoingMessage NewMessage()
    {
        var id = (++_sent).ToString(CultureInfo.InvariantCulture);
        return new OutgoingMessage(_body, id, id);
    }
}
