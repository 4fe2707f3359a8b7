using System.Net;
using System.Text.Json;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Assertions about HTTP answers.</summary>
internal static class HttpAnswers
{
    private static readonly string[] SecurityHeaders =
    [
        "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy",
        "Permissions-Policy", "Cache-Control",
    ];

    /// <summary>Asserts what holds for every answer.</summary>
    public static void AssertPromisedHeaders(this HttpResponseMessage answer)
    {
        foreach (var header in SecurityHeaders)
            Assert.True(answer.Headers.Contains(header), $"{(int)answer.StatusCode} lacks the header {header}.");
        Assert.False(answer.Headers.Contains("Server"));
        // A picture runs no script. The browser's own viewer around it uses inline styles.
        var isPicture = answer.Content.Headers.ContentType?.MediaType is "image/jpeg" or "image/png" or "image/webp";
        // Scalar, which shows the API's description, writes its styles into the document.
        var isApiPage = answer.RequestMessage!.RequestUri!.AbsolutePath.StartsWith("/api/docs", StringComparison.Ordinal);
        if (!isPicture && !isApiPage)
        {
            Assert.DoesNotContain(
                "unsafe", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        }

        if ((int)answer.StatusCode >= 400)
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    /// <summary>The JSON document of an answer.</summary>
    public static async Task<JsonElement> DocumentAsync(this HttpResponseMessage answer)
    {
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    /// <summary>The problem details of an answer, which must be of this type.</summary>
    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage answer, HttpStatusCode status, string type)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode}: {text}");
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        Assert.DoesNotContain("The test made", text, StringComparison.Ordinal);
        var problem = await answer.DocumentAsync();
        Assert.Equal($"urn:image-classifier:{type}", problem.GetProperty("type").GetString());
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.False(string.IsNullOrEmpty(problem.GetProperty("title").GetString()));
        return problem;
    }

    public static void AssertComeBack(this HttpResponseMessage answer) =>
        Assert.InRange(answer.Headers.RetryAfter?.Delta ?? TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    public static string Word(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static int Number(this JsonElement element, string name) => element.GetProperty(name).GetInt32();
}
