using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.EndToEnd.Faults;
using ImageClassifier.EndToEnd.Programs;
using Spectre.Console;

namespace ImageClassifier.Benchmarks;

/// <summary>Measures the delivery of results from the response queue to the clients' sockets: with one web node, and
/// with a cluster of three. In a cluster, the node that receives a response mostly has neither its batch nor its
/// socket.</summary>
/// <remarks>This program publishes the results in place of app nodes. The first batches are not measured: the nodes
/// compile their code meanwhile. Then it publishes one result at a time, to measure the delay. Then it publishes the
/// rest at once, to measure the web nodes' CPU time for each socket message.</remarks>
internal static class WebNodesBenchmark
{
    private const int Batches = 24;
    private const int WarmUpBatches = 8;
    private const int WarmUpRounds = 8;
    private const int Pictures = 1000;
    private const int SocketsOfBatch = 6;
    private const int Paced = 240;
    private static readonly TimeSpan QuietSecond = TimeSpan.FromSeconds(0.4);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    public static async Task RunAsync()
    {
        var table = new Table().AddColumns("web nodes", "delay, median ms", "p99 ms", "messages", "seconds", "CPU s", "messages a CPU s");
        var perSecond = new Dictionary<int, double>();
        var delay = new Dictionary<int, double>();
        foreach (var nodes in (int[])[1, 3, 1, 3])
        {
            var measured = await MeasureAsync(nodes);
            // The first of two runs warms the disk's cache.
            perSecond[nodes] = measured.Messages / measured.CpuSeconds;
            delay[nodes] = measured.Delays.Quantile(0.5);
            table.AddRow(
                Text(nodes), Text(delay[nodes]), Text(measured.Delays.Quantile(0.99)), Text(measured.Messages), Text(measured.Seconds),
                Text(measured.CpuSeconds), Text(perSecond[nodes]));
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Three nodes: {delay[3] - delay[1]:0.0} ms more, {perSecond[3] / perSecond[1]:0.00} of the messages a CPU second"));
    }

    private static async Task<Measured> MeasureAsync(int nodes)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using var tier = await WebNodeGroup.StartAsync(
            data, nodes, ["scaling.max-instances=1", "queues.requests.lease=10m"], isBehindProxy: false);
        var layout = new EmbeddedLayout(data);
        await using var requests = new SqliteMessageQueue(new SqliteQueueSettings(layout.RequestQueue, "requests", 20));
        await using var responses = new SqliteMessageQueue(new SqliteQueueSettings(layout.ResponseQueue, "responses", 80));
        var store = new FileObjectStore(layout);
        var sent = new Dictionary<JobId, long>();
        var seen = new HashSet<JobId>();
        var delays = new List<double>();
        var messages = 0;
        var sockets = new List<Task>();
        var work = new List<ClassificationRequest>();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        using var uploaded = new CancellationTokenSource();
        var taking = TakeAllAsync(requests, uploaded.Token);
        for (var batch = 0; batch < Batches; batch++)
        {
            using var http = new HttpClient { BaseAddress = tier.AddressOf(batch % nodes) };
            using var form = ServiceClient.Form(TinyPictures.Make(Pictures));
            using var answer = await http.PostAsync("/api/batches", form, limit.Token);
            var accepted = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(limit.Token);
            var id = ServiceClient.BatchId(accepted);
            work.AddRange(accepted.GetProperty("jobs").EnumerateArray().Select(job => new ClassificationRequest(
                JobId.Parse(job.GetProperty("jobId").GetString()!), BatchId.Parse(id), "", 1, default)));
            for (var socket = 0; socket < SocketsOfBatch; socket++)
                sockets.Add(FollowAsync(tier.AddressOf((batch + socket) % nodes), id));
        }

        // App nodes may have been launched and may have classified some jobs. Those jobs are not measured.
        await uploaded.CancelAsync();
        await taking;
        await UntilAsync(() => IsStill());
        lock (sent) work.RemoveAll(request => seen.Contains(request.Job));
        var warmUp = work.Take(WarmUpBatches * Pictures).ToArray();
        var warmedUp = 0;
        // The runtime counts the calls of a method only after it has compiled nothing new for a while, and compiles it again
        // after many calls. One of several nodes makes fewer calls, so it needs several rounds.
        foreach (var round in warmUp.Chunk((warmUp.Length / WarmUpRounds) + 1))
        {
            await StoreAsync(round);
            await SendAsync(round);
            warmedUp += round.Length;
            await UntilAsync(() => messages == warmedUp * SocketsOfBatch);
            await UntilQuietAsync();
        }

        work.RemoveRange(0, warmUp.Length);
        lock (delays) delays.Clear();
        var paced = work.OrderBy(_ => Random.Shared.Next()).Take(Paced).ToArray();
        using (var timer = new PeriodicTimer(Pace, TimeProvider.System))
        {
            foreach (var request in paced)
            {
                await timer.WaitForNextTickAsync(limit.Token);
                await StoreAsync([request]);
                await SendAsync([request]);
            }
        }

        await UntilAsync(() => messages == (warmUp.Length + paced.Length) * SocketsOfBatch);
        int delayed;
        lock (delays) delayed = delays.Count;
        // The results are stored first, so that the web nodes and not this program limit the pace.
        var flood = work.Except(paced).ToArray();
        await StoreAsync(flood);
        var cpu = tier.CpuTime;
        var from = Stopwatch.GetTimestamp();
        await SendAsync(flood);
        await Task.WhenAll(sockets);
        return new Measured(
            delays.Take(delayed), (work.Count - paced.Length) * SocketsOfBatch,
            Stopwatch.GetElapsedTime(from).TotalSeconds, (tier.CpuTime - cpu).TotalSeconds);

        async Task StoreAsync(IEnumerable<ClassificationRequest> done)
        {
            foreach (var result in done.Select(ResultOf))
            {
                await store.PutIfAbsentAsync(
                    ObjectKeys.Result(result.Batch, result.Job), WireJson.WriteUtf8(result), limit.Token);
            }
        }

        async Task SendAsync(IEnumerable<ClassificationRequest> done)
        {
            foreach (var ten in done.Chunk(IMessageQueue.MaxBatch))
            {
                var outgoing = ten.Select(request => new OutgoingMessage(
                    WireJson.Write(ResultOf(request)), request.Job.Value, $"{request.Job.Value}:1")).ToArray();
                lock (sent)
                {
                    foreach (var request in ten) sent[request.Job] = Stopwatch.GetTimestamp();
                }

                await responses.SendAsync(outgoing, limit.Token);
            }
        }

        async Task FollowAsync(Uri address, string batch)
        {
            using var socket = new ClientWebSocket();
            await socket.ConnectAsync(
                new UriBuilder(address) { Scheme = "ws", Path = "/ws", Query = $"batch={batch}" }.Uri, limit.Token);
            while (await ServiceClient.ReceiveAsync(socket, limit.Token) is { } frame)
            {
                if (frame.GetProperty("type").GetString() == "complete") return;
                var job = JobId.Parse(frame.GetProperty("job").GetProperty("jobId").GetString()!);
                long at;
                lock (sent)
                {
                    seen.Add(job);
                    if (!sent.TryGetValue(job, out at)) continue;
                }

                lock (delays) delays.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
                Interlocked.Increment(ref messages);
            }
        }

        // No app node has a job, and no result arrived for a second.
        bool IsStill()
        {
            int before;
            lock (sent) before = seen.Count;
            if (requests.MeasureAsync(limit.Token).GetAwaiter().GetResult().InFlight > 0) return false;
            limit.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            lock (sent) return seen.Count == before;
        }

        // The runtime compiles in the background what it has run often.
        async Task UntilQuietAsync()
        {
            using var second = new PeriodicTimer(TimeSpan.FromSeconds(1), TimeProvider.System);
            TimeSpan before;
            do
            {
                before = tier.CpuTime;
                await second.WaitForNextTickAsync(limit.Token);
            }
            while (tier.CpuTime - before > QuietSecond);
        }

        Task UntilAsync(Func<bool> condition) =>
            Until.HoldsAsync(condition, TimeSpan.FromMinutes(1), () => $"{messages} messages came:\n{tier.Log}");
    }

    /// <summary>Takes the jobs from the queue before an app node does, until all are uploaded and none is
    /// left.</summary>
    private static async Task TakeAllAsync(IMessageQueue requests, CancellationToken uploaded)
    {
        while (true)
        {
            var isLast = uploaded.IsCancellationRequested;
            var received = await requests.ReceiveAsync(
                IMessageQueue.MaxBatch, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10), CancellationToken.None);
            await requests.DeleteAsync([.. received.Select(message => message.Receipt)], CancellationToken.None);
            if (isLast && received.Count == 0) return;
        }
    }

    private static JobResult ResultOf(ClassificationRequest request) => new(
        request.Job, request.Batch, 1, JobStatus.Classified, [new Prediction(0, "cat", 1)], null, null,
        InstanceId.Parse("benchmark"), null);

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private sealed record Measured(IEnumerable<double> Delays, int Messages, double Seconds, double CpuSeconds);
}
