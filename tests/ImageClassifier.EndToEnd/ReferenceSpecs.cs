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
        // A PNG of 60,000 by 60,000 pixels, by its header.
        byte[] bomb =
        [
            0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, .. "IHDR"u8, 0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60,
            8, 2, 0, 0, 0, 0x0F, 0xB0, 0xE2, 0x15,
        ];
        var picture = TestPictures.All[0];
        using var server = new HttpListener();
        var address = FreePort.Address().ToString();
        server.Prefixes.Add(address);
        server.Start();
        var serving = ServeAsync(server, new Dictionary<string, byte[]>
        {
            [$"/{picture.Name}"] = picture.Bytes,
            ["/bomb.png"] = bomb,
            ["/notes.txt"] = "not a picture"u8.ToArray(),
        });
        await using var service = await RunningService.StartAsync(
            "node.references.allowed-networks=127.0.0.0/31", "uploads.max-file-size=1MiB");

        using var answer = await service.Http.PostAsJsonAsync("/api/batches", new
        {
            pictures = new object[]
            {
                new { url = $"{address}{picture.Name}" }, new { url = $"{address}bomb.png" },
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
