using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>A client that uploads photos in batches and follows each batch on a socket.</summary>
internal sealed class Uploads(IEnumerable<string> photos)
{
    private const int OfBatch = 50;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly (string Name, byte[] Bytes)[] _photos =
        [.. photos.Select(photo => (Path.GetFileName(photo), File.ReadAllBytes(photo)))];

    /// <summary>Uploads photos. Completes when all results have come; all must be classified.</summary>
    public async Task SendAsync(RunningService service, int count)
    {
        using var limit = new CancellationTokenSource(Limit);
        var followed = new List<Task>();
        foreach (var batch in Enumerable.Range(0, count).Chunk(OfBatch))
        {
            using var form = ServiceClient.Form(batch.Select(i => _photos[i % _photos.Length]));
            using var answer = await service.Http.PostAsync("/api/batches", form, limit.Token);
            var accepted = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(limit.Token);
            followed.Add(FollowAsync(service, ServiceClient.BatchId(accepted), batch.Length, limit.Token));
        }

        await Task.WhenAll(followed);
    }

    private static async Task FollowAsync(
        RunningService service, string batch, int photos, CancellationToken cancellation)
    {
        using var socket = await ServiceClient.ConnectAsync(service, $"batch={batch}", cancellation);
        // Larger than any event.
        var buffer = new byte[16 * 1024];
        var (results, filled) = (0, 0);
        while (results < photos)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(filled), cancellation);
            if (received.MessageType == WebSocketMessageType.Close) throw new InvalidOperationException("The socket closed.");
            filled += received.Count;
            if (!received.EndOfMessage) continue;
            var text = Encoding.UTF8.GetString(buffer, 0, filled);
            if (!text.Contains("\"classified\"", StringComparison.Ordinal))
                throw new InvalidOperationException($"A job failed: {text}");
            results++;
            filled = 0;
        }
    }
}
