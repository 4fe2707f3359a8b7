using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Limits;

/// <summary>Each tier stops within its budget with much work in hand, notifies its clients, and loses
/// nothing.</summary>
[Collection(AloneCollection.Name)]
public sealed class ShutdownSpecs(ITestOutputHelper output)
{
    private const int Pictures = 200;
    private const string QuickPolls = "node.polling.wait-time=1s";

    // Longer than a test waits, so a job that is not handed back would be missed.
    private const string LongLease = "queues.requests.lease=10m";

    // A node has 20 s and the host 30 s. The process exits a little later.
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(35);
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task A_stopping_web_tier_closes_every_connection_in_order_and_loses_nothing()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        JsonElement accepted;
        string classifiedUnder;
        await using (var first = await RunningService.StartAsync(data, ownsData: false, [QuickPolls, LongLease]))
        {
            accepted = await first.UploadAsync(TestPictures.Slow(Pictures));
            var batch = BatchId(accepted);
            await WorkBeginsAsync(first, batch);
            using var limit = new CancellationTokenSource(Enough);
            using var sockets = new Sockets(
                await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ConnectAsync(first, $"batch={batch}", limit.Token))));
            using var stream = await first.Http.GetAsync(
                $"/api/batches/{batch}/events", HttpCompletionOption.ResponseHeadersRead);
            using var form = Form([("last.jpg", TestPictures.All[0].Bytes)]);
            // The last in the queue, so it still waits when the service stops.
            var waiting = first.Http.PostAsync("/api/classify", form);
            await Until.HoldsAsync(
                () => Stored(data) > Pictures, Enough, () => $"The last picture was not stored:\n{first.Log}");
            Assert.False(waiting.IsCompleted, "The work was over before the test could step in.");

            var clock = Stopwatch.StartNew();
            var stopping = first.StopAsync("TERM");
            var closes = await Task.WhenAll(sockets.All.Select(socket => CloseOfAsync(socket, Enough)));
            await stream.Content.ReadAsStringAsync().WaitAsync(Enough);
            using var answer = await waiting.WaitAsync(Enough);

            Assert.Equal(0, await stopping);
            output.WriteLine($"stopped by SIGTERM after {clock.Elapsed.TotalSeconds:0.0} s");
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, Budget);
            Assert.All(closes, close => Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, close));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal("urn:image-classifier:stopping", problem.GetProperty("type").GetString());
            classifiedUnder = problem.GetProperty("links").GetProperty("self").GetString()!;
            Assert.Empty(ProcessTable.Running(data, "node"));
            Assert.Empty(ProcessTable.Running(data, "web"));
        }

        await using var second = await RunningService.StartAsync(data, ownsData: true, QuickPolls);
        AssertOnceEach(accepted, await second.FollowAsync(BatchId(accepted), Enough));
        var last = await second.FollowAsync(classifiedUnder.Split('/')[^1], Enough);
        Assert.Equal("classified", Assert.Single(last).GetProperty("status").GetString());
    }

    [SkippableFact]
    public async Task A_stopping_web_tier_cuts_off_running_uploads_and_they_leave_nothing()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using (var first = await RunningService.StartAsync(data, ownsData: false))
        {
            using var endless = new EndlessUpload();
            var upload = first.Http.PostAsync("/api/batches", endless);
            await Until.HoldsAsync(
                () => Stored(data, "batches") > 0, Enough, () => $"The upload did not begin:\n{first.Log}");

            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await first.StopAsync("TERM"));
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, Budget);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => upload.WaitAsync(Enough));
        }

        Assert.Equal(0, Stored(data));
        Assert.Equal(0, Stored(data, "batches"));
        Directory.Delete(data, recursive: true);
    }

    [SkippableFact]
    public async Task An_app_node_that_is_stopped_exits_with_0_and_its_unfinished_work_continues()
    {
        // The service launches no node, so the stopped node has all the work.
        await using var service = await RunningService.StartAsync([QuickPolls, LongLease]);
        service.PreventLaunches();
        var accepted = await service.UploadAsync(TestPictures.Slow(Pictures));
        var following = service.FollowAsync(BatchId(accepted), Enough);
        int exitCode;
        using (var node = StartNode(service.DataFolder, "stopped"))
        {
            await WorkBeginsAsync(service, BatchId(accepted));
            var clock = Stopwatch.StartNew();
            ProcessTable.Signal(node.Id, "TERM");
            await node.WaitForExitAsync().WaitAsync(Budget);
            output.WriteLine($"stopped by SIGTERM after {clock.Elapsed.TotalSeconds:0.0} s");
            exitCode = node.ExitCode;
        }

        Assert.Equal(0, exitCode);
        var fleet = await service.GetJsonAsync("/api/fleet");
        Assert.True(fleet.GetProperty("backlog").GetInt32() > 0, "The work was over before the test could step in.");

        using var next = StartNode(service.DataFolder, "next");
        AssertOnceEach(accepted, await following);
        await next.WaitForExitAsync().WaitAsync(Enough);
        Assert.Equal(0, next.ExitCode);
    }

    private static Process StartNode(string data, string instance)
    {
        string[] settings = [QuickPolls, LongLease];
        var process = new Process
        {
            StartInfo = BuiltProgram.StartInfo(
            [
                "node", "--data", data, "--instance", instance,
                .. settings.SelectMany(setting => new[] { "--set", $"image-classifier.{setting}" }),
            ]),
        };
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static Task WorkBeginsAsync(RunningService service, string batch) => Until.HoldsAsync(
        async () =>
        {
            var completed = (await service.GetJsonAsync($"/api/batches/{batch}")).GetProperty("completed").GetInt32();
            Assert.True(completed < Pictures, "The work was over before the test could step in.");
            return completed > 0;
        },
        Enough,
        () => $"The work never began:\n{service.Log}");

    private static int Stored(string data, string folder = "images")
    {
        var path = Path.Combine(data, "objects", folder);
        return Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Count() : 0;
    }

    /// <summary>Reads a socket to its end.</summary>
    private static async Task<WebSocketCloseStatus?> CloseOfAsync(ClientWebSocket socket, TimeSpan limit)
    {
        using var cancellation = new CancellationTokenSource(limit);
        var buffer = new byte[16 * 1024];
        while (!socket.CloseStatus.HasValue) await socket.ReceiveAsync(buffer.AsMemory(), cancellation.Token);

        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancellation.Token);
        return socket.CloseStatus;
    }

    private sealed record Sockets(IReadOnlyList<ClientWebSocket> All) : IDisposable
    {
        public void Dispose()
        {
            foreach (var socket in All) socket.Dispose();
        }
    }

    /// <summary>A form whose only file has begun and never ends.</summary>
    private sealed class EndlessUpload : HttpContent
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

        public EndlessUpload() => Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(
                "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\n"u8.ToArray());
            await stream.WriteAsync(
                TestPictures.All.First(picture => picture.Name.EndsWith(".jpg", StringComparison.Ordinal)).Bytes);
            while (true)
            {
                await stream.WriteAsync(new byte[100]);
                await stream.FlushAsync();
                await Task.Delay(Pause, TimeProvider.System);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
