using System.Net;
using System.Net.WebSockets;
using ImageClassifier.Testing.Fakes;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The API's answers for a batch whose record is damaged.</summary>
public sealed class DamagedBatchSpecs
{
    [Fact]
    public async Task A_damaged_batch_has_its_own_problem_type_and_can_be_deleted()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var form = Upload.Form(Upload.Jpeg("a.jpg"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batches") { Content = form };
        request.Headers.Add("Idempotency-Key", "k");
        using var accepted = await tier.Client.SendAsync(request);
        var address = accepted.Headers.Location!.ToString();
        Damage(tier.Store);

        foreach (var path in (string[])[address, $"{address}/events"])
        {
            using var answer = await tier.Client.GetAsync(path);
            await answer.ProblemAsync(HttpStatusCode.InternalServerError, "batch-damaged");
            Assert.Null(answer.Headers.RetryAfter);
        }

        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        var batch = address[(address.LastIndexOf('/') + 1)..];
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(
            new UriBuilder(tier.Address) { Scheme = "ws", Path = "/ws", Query = $"batch={batch}" }.Uri, tier.InTime));
        Assert.Equal(HttpStatusCode.InternalServerError, socket.HttpStatusCode);

        using var again = new HttpRequestMessage(HttpMethod.Post, "/api/batches")
        {
            Content = Upload.Form(Upload.Jpeg("a.jpg")),
        };
        again.Headers.Add("Idempotency-Key", "k");
        using var repeated = await tier.Client.SendAsync(again);
        await repeated.ProblemAsync(HttpStatusCode.InternalServerError, "batch-damaged");

        using var deleted = await tier.Client.DeleteAsync(address);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await tier.Client.GetAsync(address);
        await gone.ProblemAsync(HttpStatusCode.NotFound, "no-such-batch");
        Assert.DoesNotContain(tier.Keys, key => key.Contains(batch, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_waiting_request_is_told_that_its_batch_is_damaged()
    {
        await using var tier = await RunningWebTier.StartAsync();
        tier.Store.Before = (call, key) =>
        {
            if (call == StoreCall.Get && key.EndsWith("manifest.json", StringComparison.Ordinal)) Damage(tier.Store);
            return Task.CompletedTask;
        };
        using var answer = await tier.Client.PostAsync("/api/classify", Upload.Form(Upload.Jpeg("a.jpg")));
        await answer.ProblemAsync(HttpStatusCode.InternalServerError, "batch-damaged");
    }

    private static void Damage(InMemoryObjectStore store)
    {
        foreach (var key in store.Keys.Where(key => key.EndsWith("manifest.json", StringComparison.Ordinal)))
            store.Set(key, "{}");
    }
}
