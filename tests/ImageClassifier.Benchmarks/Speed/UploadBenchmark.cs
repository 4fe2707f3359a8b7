using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Core.Storage;
using ImageClassifier.EndToEnd.Programs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>How many bytes of pictures a second a web tier accepts, beside a bare Kestrel endpoint that reads and hashes the
/// same bodies. The tier looks at each picture, stores it and sends its message; nothing classifies meanwhile.</summary>
/// <remarks>The endpoints take turns, so that the drift of a shared machine cancels out. The queue is not emptied. After
/// each round the pictures are emptied, so that memory holds no more of them than the system wants to write. They are not
/// deleted: a file system without a journal avoids the numbers of files that were just deleted, and looks at each of them
/// when it creates a file.</remarks>
internal static class UploadBenchmark
{
    private const int SmallOfBatch = 50;
    private const int LargeOfBatch = 5;
    private const int WarmUps = 2;
    private const int Rounds = 3;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(2);

    /// <summary>Runs the benchmark.</summary>
    /// <param name="variants">Web tiers to compare with the one by default; see <see cref="Variant.Parse"/>.</param>
    public static async Task RunAsync(IEnumerable<string> variants)
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-upload-").FullName;
        var endpoints = new List<Endpoint>();
        try
        {
            endpoints.Add(await Endpoint.StartBareAsync(folder));
            foreach (var variant in (IEnumerable<Variant>)[Variant.Default, .. variants.Select(Variant.Parse)])
                endpoints.Add(await Endpoint.StartTierAsync(variant, folder));
            var table = new Table().AddColumns("photos", "connections", "endpoint", "MB/s", "ratio", "CPU ms a MB", "peak MiB");
            foreach (var body in (IEnumerable<Body>)[await SmallAsync(folder), await LargeAsync()])
            {
                for (var run = 0; run < WarmUps; run++)
                {
                    foreach (var endpoint in endpoints) await endpoint.MeasureAsync(body, connections: 16);
                }

                foreach (var connections in (int[])[1, 16, 64]) await AddRowsAsync(table, endpoints, body, connections);
            }

            AnsiConsole.Write(table);
        }
        finally
        {
            foreach (var endpoint in endpoints) await endpoint.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Runs the bare endpoint until the process is killed.</summary>
    public static async Task ServeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(options => options.Limits.MaxRequestBodySize = null);
        await using var app = builder.Build();
        app.MapPost("/", async (HttpContext context) =>
        {
            var hash = await SHA256.HashDataAsync(context.Request.Body, context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            await context.Response.WriteAsync(Convert.ToHexString(hash));
        });
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        await app.WaitForShutdownAsync();
    }

    private static async Task AddRowsAsync(Table table, IReadOnlyList<Endpoint> endpoints, Body body, int connections)
    {
        var measured = endpoints.ToDictionary(endpoint => endpoint, _ => new List<Measured>());
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var endpoint in endpoints) measured[endpoint].Add(await endpoint.MeasureAsync(body, connections));
        }

        var limit = Rate(endpoints[0]);
        foreach (var endpoint in endpoints)
        {
            table.AddRow(
                body.Name,
                Text(connections, "0"),
                endpoint.Name,
                Text(Rate(endpoint), "0"),
                Text(Rate(endpoint) / limit, "0.00"),
                Text(measured[endpoint].Select(one => one.CpuOfMegabyte).Quantile(0.5), "0.00"),
                Text(endpoint.PeakMemory / 1024.0 / 1024.0, "0"));
        }

        double Rate(Endpoint endpoint) => measured[endpoint].Select(one => one.MegabytesPerSecond).Quantile(0.5);
    }

    private static Task<Body> SmallAsync(string folder)
    {
        var photos = Photos.Write(Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName, SmallOfBatch);
        return Body.OfAsync([.. photos.Select(photo => (Path.GetFileName(photo), File.ReadAllBytes(photo)))]);
    }

    private static Task<Body> LargeAsync()
    {
        var photo = Photos.MakeLarge(4000, 3000);
        return Body.OfAsync([.. Enumerable.Range(0, LargeOfBatch).Select(i => ($"{i}.jpg", photo))]);
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private sealed record Measured(double MegabytesPerSecond, double CpuOfMegabyte);

    /// <summary>The body of an upload.</summary>
    private sealed record Body(string Name, string Type, byte[] Bytes)
    {
        public double Megabytes => Bytes.Length / 1e6;

        public static async Task<Body> OfAsync(IReadOnlyCollection<(string Name, byte[] Bytes)> photos)
        {
            using var form = ServiceClient.Form(photos);
            var bytes = await form.ReadAsByteArrayAsync();
            return new Body(
                string.Create(CultureInfo.InvariantCulture, $"{photos.Count} of {bytes.Length / photos.Count / 1e3:0} KB"),
                form.Headers.ContentType!.ToString(),
                bytes);
        }
    }

    /// <summary>A process that takes uploads.</summary>
    private sealed class Endpoint(string name, Uri address, MeteredProcess process, RunningService? tier) : IAsyncDisposable
    {
        public string Name => name;

        public long PeakMemory => process.PeakMemory;

        public static async Task<Endpoint> StartBareAsync(string folder)
        {
            var bare = MeteredProcess.Start(Environment.ProcessPath!, folder, Variant.Default.Variables, ["kestrel"]);
            return new Endpoint("bare Kestrel", new Uri(await bare.ReadLineAsync()), bare, tier: null);
        }

        public static async Task<Endpoint> StartTierAsync(Variant variant, string folder)
        {
            var service = await RunningService.StartAsync(
                variant.Program,
                Directory.CreateTempSubdirectory("image-classifier-").FullName,
                ownsData: true,
                variant.Variables,
                ["scaling.max-instances=1", .. variant.Settings]);
            service.PreventLaunches();
            return new Endpoint(
                $"web tier{variant.Name}",
                new Uri(service.Address, "/api/batches"),
                MeteredProcess.Of(service.ProcessId, folder),
                service);
        }

        public async Task<Measured> MeasureAsync(Body body, int connections)
        {
            var cpu = process.Cpu;
            var (requests, elapsed) = await SendAsync(body, connections);
            // The tier is still sending the messages of the pictures that it accepted.
            await process.UntilQuietAsync();
            var measured = new Measured(
                requests * body.Megabytes / elapsed.TotalSeconds,
                (process.Cpu - cpu).TotalMilliseconds / (requests * body.Megabytes));
            if (tier is not null) EmptyPictures(tier.DataFolder);
            return measured;
        }

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            if (tier is not null) await tier.DisposeAsync();
        }

        private async Task<(int Requests, TimeSpan Elapsed)> SendAsync(Body body, int connections)
        {
            using var http = new HttpClient();
            var started = Stopwatch.GetTimestamp();
            var requests = 0;
            await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
            {
                while (Stopwatch.GetElapsedTime(started) < Length)
                {
                    using var content = new ByteArrayContent(body.Bytes);
                    content.Headers.TryAddWithoutValidation("Content-Type", body.Type);
                    using var answer = await http.PostAsync(address, content);
                    answer.EnsureSuccessStatusCode();
                    Interlocked.Increment(ref requests);
                }
            })));
            return (requests, Stopwatch.GetElapsedTime(started));
        }

        private static void EmptyPictures(string data)
        {
            var pictures = new DirectoryInfo(Path.Combine(new EmbeddedLayout(data).Objects, ObjectKeys.Images));
            foreach (var picture in pictures.EnumerateFiles("*", SearchOption.AllDirectories))
            {
                if (picture.Length > 0) File.WriteAllBytes(picture.FullName, []);
            }
        }
    }
}
