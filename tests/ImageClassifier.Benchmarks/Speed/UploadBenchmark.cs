using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
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
internal static class UploadBenchmark
{
    private const int OfBatch = 50;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(6);

    public static async Task RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-upload-").FullName;
        try
        {
            var photos = Photos.Write(Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName)
                .Take(OfBatch).Select(photo => (Path.GetFileName(photo), File.ReadAllBytes(photo))).ToArray();
            using var form = ServiceClient.Form(photos);
            var body = await form.ReadAsByteArrayAsync();
            var type = form.Headers.ContentType!.ToString();
            await using var bare = MeteredProcess.Start(Environment.ProcessPath!, folder, Variant.Default.Variables, ["kestrel"]);
            var bareAddress = new Uri(await bare.ReadLineAsync());
            await using var service = await RunningService.StartAsync("scaling.max-instances=1");
            service.PreventLaunches();
            var table = new Table().AddColumns("connections", "bare Kestrel, MB/s", "web tier, MB/s", "ratio");
            foreach (var connections in (int[])[1, 16, 64])
            {
                // The first of two runs warms both up.
                var (limit, reached) = (0.0, 0.0);
                for (var run = 0; run < 2; run++)
                {
                    limit = await MeasureAsync(bareAddress, body, type, connections);
                    reached = await MeasureAsync(new Uri(service.Address, "/api/batches"), body, type, connections);
                }

                table.AddRow(Text(connections), Text(limit), Text(reached), (reached / limit).ToString("0.00", CultureInfo.InvariantCulture));
            }

            AnsiConsole.Write(table);
        }
        finally
        {
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

    private static async Task<double> MeasureAsync(Uri address, byte[] body, string type, int connections)
    {
        using var http = new HttpClient();
        var started = Stopwatch.GetTimestamp();
        var requests = 0;
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(started) < Length)
            {
                using var content = new ByteArrayContent(body);
                content.Headers.TryAddWithoutValidation("Content-Type", type);
                using var answer = await http.PostAsync(address, content);
                answer.EnsureSuccessStatusCode();
                Interlocked.Increment(ref requests);
            }
        })));
        return requests * (body.Length / 1e6) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static string Text(double value) => value.ToString("0", CultureInfo.InvariantCulture);
}
