using System.Net;
using System.Text.Json;
using ImageClassifier.Tests.Web.Api;
using ImageClassifier.Tests.Web.Http;
using Xunit;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>Callbacks from the upload to a real receiver.</summary>
public sealed class CallbackEndToEndSpecs
{
    private const string Settings =
        $"callbacks {{ secrets.anyone = \"{CallbackSpecs.Secret}\", allowed-networks = \"127.0.0.1\" }}";

    [Fact]
    public async Task A_finished_batch_calls_its_receiver_once()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var web = (await RunningWebTier.StartAsync(Settings)).WithNode();
        var batch = await UploadAsync(web, receiver.Url("/hook"), null, "cat", "dog");
        await UntilDeliveredAsync(web, batch, """{"events":"batch","status":"delivered","delivered":1,"dead":0}""");
        var call = Assert.Single(receiver.Calls);
        DescribedAnswers.AssertDescribed(call);
        Assert.Equal(batch, DataOf(call).GetProperty("batchId").GetString());
        Assert.Equal(2, DataOf(call).GetProperty("completed").GetInt32());
    }

    [Fact]
    public async Task Each_result_calls_the_receiver()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var web = (await RunningWebTier.StartAsync(Settings)).WithNode();
        var batch = await UploadAsync(web, receiver.Url("/hook"), "job", "cat", "dog");
        await UntilDeliveredAsync(web, batch, """{"events":"job","status":"delivered","delivered":2,"dead":0}""");
        Assert.All(receiver.Calls, DescribedAnswers.AssertDescribed);
        Assert.Equal(["cat", "dog"], receiver.Calls
            .Select(call => DataOf(call).GetProperty("job").GetProperty("predictions")[0].GetProperty("label").GetString())
            .Order());
    }

    [Fact]
    public async Task An_upload_with_a_callback_that_cannot_be_signed_is_refused_and_leaves_nothing()
    {
        await using var web = await RunningWebTier.StartAsync();
        using var form = Form("https://receiver.example/", null, "cat");
        using var answer = await web.Client.PostAsync("/api/batches", form, web.InTime);
        await answer.ProblemAsync(HttpStatusCode.BadRequest, "callback-without-secret");
        Assert.Empty(web.Keys);
    }

    [Fact]
    public async Task An_upload_with_a_wrong_callback_is_refused_with_the_reason()
    {
        await using var web = await RunningWebTier.StartAsync(Settings);
        using var form = Form("https://10.0.0.1/hook", null, "cat");
        using var answer = await web.Client.PostAsync("/api/batches", form, web.InTime);
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "callback-malformed");
        Assert.Contains("not public", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(web.Keys);
    }

    private static async Task<string> UploadAsync(
        RunningWebTier web, string url, string? events, params string[] pictures)
    {
        using var form = Form(url, events, pictures);
        using var answer = await web.Client.PostAsync("/api/batches", form, web.InTime);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return (await answer.DocumentAsync()).GetProperty("batchId").GetString()!;
    }

    private static MultipartFormDataContent Form(string url, string? events, params string[] pictures)
    {
        var form = Upload.Form(pictures.Select(picture => Upload.Jpeg($"{picture}.jpg", picture)));
        form.Add(new StringContent(url), "callback");
        if (events is not null) form.Add(new StringContent(events), "callbackEvents");
        return form;
    }

    private static async Task UntilDeliveredAsync(RunningWebTier web, string batch, string expected)
    {
        var shown = "";
        // Each answer takes a while, so the loop needs no pause. The client fails when the time of the test is over.
        while (shown != expected)
        {
            using var answer = await web.Client.GetAsync($"/api/batches/{batch}", web.InTime);
            shown = (await answer.DocumentAsync()).GetProperty("callback").GetRawText();
        }
    }

    private static JsonElement DataOf(ReceivedCall call) => JsonDocument.Parse(call.Body).RootElement.GetProperty("data");
}
