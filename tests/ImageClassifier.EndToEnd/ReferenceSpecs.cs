using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary>Pictures that the program fetches by their addresses.</summary>
public sealed class ReferenceSpecs
{
    [SkippableFact]
    public async Task Pictures_are_fetched_from_a_server_and_bad_ones_fail_with_the_reason()
    {
        var picture = TestPictures.All[0];
        var tooManyPixels = TestPictures.Slow(1).Single();
        using var server = new HttpListener();
        var address = FreePort.Address().ToString();
        server.Prefixes.Add(address);
        server.Start();
        var serving = ServeAsync(server, new Dictionary<string, byte[]>
        {
            [$"/{picture.Name}"] = picture.Bytes,
            ["/large.png"] = tooManyPixels.Bytes,
            ["/notes.txt"] = "not a picture"u8.ToArray(),
        });
        await using var service = await RunningService.StartAsync(
            "node.references.allowed-networks=127.0.0.0/31", "node.classification.max-pixels=4000000");

        using var answer = await service.Http.PostAsJsonAsync("/api/batches", new
        {
            pictures = new object[]
            {
                new { url = $"{address}{picture.Name}" }, new { url = $"{address}large.png" },
                new { url = $"{address}notes.txt" }, new { url = $"{address}missing.jpg" },
                new { url = "https://127.0.0.2/cat.jpg" },
            },
        });
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var batchId = ServiceClient.BatchId(await answer.Content.ReadFromJsonAsync<JsonElement>());
        await service.FollowAsync(batchId, TimeSpan.FromMinutes(2));

        var batch = await service.GetJsonAsync($"/api/batches/{batchId}");
        Assert.Equal(
            [
                ("classified", null), ("failed", "too-many-pixels"), ("failed", "content-mismatch"),
                ("failed", "not-fetched"), ("rejected", "reference-not-allowed"),
            ],
            batch.GetProperty("jobs").EnumerateArray().Select(job => (
                job.GetProperty("status").GetString(),
                job.TryGetProperty("errorCode", out var code) ? code.GetString() : null)));
        server.Stop();
        await serving;
    }

    private static async Task ServeAsync(HttpListener server, IReadOnlyDictionary<string, byte[]> files)
    {
        while (true)
        {
            HttpListenerContext call;
            try
            {
                call = await server.GetContextAsync();
            }
            catch (Exception failure) when (failure is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var file = files.GetValueOrDefault(Uri.UnescapeDataString(call.Request.Url!.AbsolutePath));
            if (file is null) call.Response.StatusCode = (int)HttpStatusCode.NotFound;
            else await call.Response.OutputStream.WriteAsync(file);
            call.Response.Close();
        }
    }
}
