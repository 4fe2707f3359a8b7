using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Supervision;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>Every upload over real sockets gets a documented answer, or none if the sender left. Nothing unfinished
/// stays behind, and the service goes on.</summary>
[Collection(FuzzRuns.Name)]
public sealed class MultipartFuzzSpecs(ITestOutputHelper output)
{
    private const int PercentOfInputs = 25;
    private const long MaxGrowth = 300 << 20;

    // Its store and its queues are in memory and record all calls.
    private const int InputsOfOneService = 5000;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    // Small, so that mutated forms reach the limits. The rate limit is high, because all forms come from one address.
    private const string Limits =
        """
        uploads { max-file-size = 30KiB, max-files = 5, max-request-size = 100KiB }
        results.wait-limit = 5s
        access.rate-limit.uploads { count = 100000 }
        """;

    private static WebTierSettings Forgetful(WebTierSettings tier) =>
        tier with { Results = tier.Results with { PassivateAfter = TimeSpan.FromSeconds(1) } };

    private static readonly HttpStatusCode[] Documented =
    [
        HttpStatusCode.OK, HttpStatusCode.Accepted, HttpStatusCode.BadRequest, HttpStatusCode.RequestEntityTooLarge,
        HttpStatusCode.UnsupportedMediaType, HttpStatusCode.UnprocessableEntity,
    ];

    [SkippableFact]
    public async Task No_form_crashes_the_service()
    {
        Requirement.Met(Repository.HasShared, "the shared test data is not beside the repository");
        var run = FuzzRun.Of(PercentOfInputs);
        var forms = new MultipartMutations(PictureMutations.Load(longest: 20_000));
        var answers = new ConcurrentDictionary<string, int>();
        using var workers = new FuzzWorkers("multipart", MaxGrowth);
        foreach (var part in run.Parts(InputsOfOneService))
        {
            await using var service = (await RunningWebTier.StartAsync(Limits, Forgetful)).WithoutTimeLimit().WithNode();
            await workers.RunAsync(part, index =>
                answers.AddOrUpdate(Try(service, forms, run.RandomOf(index)), 1, (_, count) => count + 1));
            await AssertNothingIsHalfDoneAsync(service);
            using var good = await service.Client.PostAsync("/api/batches", Upload.Form(Upload.Jpeg("cat.jpg")));
            Assert.Equal(HttpStatusCode.Accepted, good.StatusCode);
        }

        output.WriteLine($"{run.Count} inputs of seed {run.Seed} from {run.From} on; memory was {workers.Memory}");
        foreach (var (answer, count) in answers.OrderBy(pair => pair.Key)) output.WriteLine($"{answer}: {count}");
        // A run in which all forms are refused for one reason would prove nothing.
        if (run.Count >= 1000)
        {
            Assert.Superset(
                new HashSet<string> { "200", "202", "400", "413", "415", "422", "left" }, answers.Keys.ToHashSet());
        }
    }

    private static string Try(RunningWebTier service, MultipartMutations forms, Random random) =>
        TryAsync(service, forms, random).GetAwaiter().GetResult();

    private static async Task<string> TryAsync(RunningWebTier service, MultipartMutations forms, Random random)
    {
        var input = forms.Next(random);
        var address = random.Next(10) switch { 0 => "/", 1 => "/api/classify", _ => "/api/batches" };
        return random.Next(20) == 0
            ? await LeaveInTheMiddleAsync(service, address, input, random)
            : await SendAsync(service, address, input);
    }

    private static async Task<string> SendAsync(RunningWebTier service, string address, MultipartInput input)
    {
        using var limit = new CancellationTokenSource(AnswerLimit);
        using var content = new ByteArrayContent(input.Body);
        if (input.ContentType.Length > 0) content.Headers.TryAddWithoutValidation("Content-Type", input.ContentType);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
        // The client itself checks what holds for every answer.
        using var answer = await service.Client.SendAsync(request, limit.Token);
        Assert.Contains(answer.StatusCode, Documented);
        if (answer.StatusCode == HttpStatusCode.OK) return "200";

        var document = await answer.DocumentAsync();
        if (answer.StatusCode == HttpStatusCode.Accepted)
        {
            var batch = document.Word("batchId");
            using var deleted = await service.Client.DeleteAsync($"/api/batches/{batch}", limit.Token);
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
            return "202";
        }

        Assert.StartsWith("urn:image-classifier:", document.Word("type"), StringComparison.Ordinal);
        Assert.Equal((int)answer.StatusCode, document.Number("status"));
        Assert.DoesNotContain("Exception", document.ToString(), StringComparison.Ordinal);
        return $"{(int)answer.StatusCode}";
    }

    /// <summary>Announces a whole body and closes the connection after a part of it.</summary>
    private static async Task<string> LeaveInTheMiddleAsync(
        RunningWebTier service, string address, MultipartInput input, Random random)
    {
        using var limit = new CancellationTokenSource(AnswerLimit);
        using var client = new TcpClient();
        await client.ConnectAsync(service.Address.Host, service.Address.Port, limit.Token);
        var stream = client.GetStream();
        var head = $"POST {address} HTTP/1.1\r\nHost: {service.Address.Authority}\r\n"
            + $"Content-Type: {input.ContentType}\r\nContent-Length: {input.Body.Length + 1}\r\n\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head), limit.Token);
        await stream.WriteAsync(input.Body.AsMemory(0, random.Next(input.Body.Length + 1)), limit.Token);
        client.Client.Shutdown(SocketShutdown.Send);
        try
        {
            // Reads to the end, because the server must close the connection.
            await stream.CopyToAsync(Stream.Null, limit.Token);
        }
        catch (IOException)
        {
            // A reset also ends the connection.
        }

        return "left";
    }

    /// <summary>Pictures and markers belong to accepted batches. (A deleted batch may keep results and the note that it
    /// was sent, if they were stored after the deletion.)</summary>
    private static async Task AssertNothingIsHalfDoneAsync(RunningWebTier service)
    {
        // An aborted upload is cleaned up after its sender has gone.
        var waited = Stopwatch.StartNew();
        while (Orphans(service.Store.Keys) is { Length: > 0 } orphans)
        {
            Assert.True(
                waited.Elapsed < AnswerLimit,
                $"{orphans.Length} objects are of no accepted batch, such as {string.Join(", ", orphans.Take(10))}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private static string[] Orphans(IReadOnlyList<string> keys)
    {
        var accepted = keys.Where(key => key.EndsWith("/manifest.json", StringComparison.Ordinal))
            .Select(key => key.Split('/')[1])
            .ToHashSet();
        return
        [
            .. keys.Where(key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal)
                    || key.StartsWith(ObjectKeys.OpenBatches, StringComparison.Ordinal))
                .Where(key => !key.Split('/').Any(accepted.Contains)),
        ];
    }
}
