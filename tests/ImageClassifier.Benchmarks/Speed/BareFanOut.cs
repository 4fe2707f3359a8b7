using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Ports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>The least that a web tier must do: Kestrel, a queue, and a table of sockets. It takes each message from the queue,
/// sends its text to a socket and deletes it. A program of its own.</summary>
internal static class BareFanOut
{
    /// <summary>A message for a socket.</summary>
    public static string Message(int socket, string frame) => $"{socket}\n{frame}";

    /// <summary>Runs until the process is killed.</summary>
    /// <param name="database">The file of the queue.</param>
    public static async Task RunAsync(string database)
    {
        var sockets = new ConcurrentDictionary<string, WebSocket>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.UseWebSockets();
        app.Map("/ws", async (HttpContext context) =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            sockets[context.Request.Query["batch"].ToString()] = socket;
            var buffer = new byte[16];
            while (!(await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted)).EndOfMessage)
            {
            }
        });
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        await using var queue = new SqliteMessageQueue(new SqliteQueueSettings(database, "responses", 80));
        while (true)
        {
            var received = await queue.ReceiveAsync(
                IMessageQueue.MaxBatch, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(30), CancellationToken.None);
            foreach (var message in received)
            {
                var end = message.Body.IndexOf('\n', StringComparison.Ordinal);
                await sockets[message.Body[..end]].SendAsync(
                    Encoding.UTF8.GetBytes(message.Body, end + 1, message.Body.Length - end - 1),
                    WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            }

            await queue.DeleteAsync([.. received.Select(message => message.Receipt)], CancellationToken.None);
        }
    }
}
