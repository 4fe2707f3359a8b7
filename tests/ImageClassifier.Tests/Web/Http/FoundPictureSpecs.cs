using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>Files that failed in real use, as far as the upload can detect it.</summary>
public sealed class FoundPictureSpecs
{
    [SkippableFact]
    public async Task The_bytes_decide_the_format_of_a_wrongly_named_file()
    {
        (string Name, string Status, string? Error)[] files =
        [
            ("png_named.jpg", "queued", null),
            ("jpeg_named.png", "queued", null),
            ("heic_named.jpg", "rejected", "The file is a HEIC picture. Export it as JPEG or PNG."),
            ("webp_named.jpg", "rejected", "The file is a WebP picture. Export it as JPEG or PNG."),
        ];
        var uploads = files
            .Select(file => new Upload(
                file.Name, File.ReadAllBytes(Repository.SharedFile("images", "found", file.Name))))
            .ToList();
        await using var tier = await RunningWebTier.StartAsync();
        using var answer = await tier.Client.PostAsync("/api/batches", Upload.Form(uploads));
        Assert.Equal(files, (await answer.DocumentAsync()).GetProperty("jobs").EnumerateArray().Select(job => (
            job.Word("fileName"), job.Word("status"),
            job.TryGetProperty("error", out var error) ? error.GetString() : null)));
    }
}
