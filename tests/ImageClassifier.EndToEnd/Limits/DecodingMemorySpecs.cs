using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Limits;

/// <summary>Pictures that need much memory are all decoded, but not all at once.</summary>
[Collection(AloneCollection.Name)]
public sealed class DecodingMemorySpecs(ITestOutputHelper output)
{
    private const int Pictures = 4;

    // Enough for one of the pictures below, but not for two.
    private const string Budget = "600MiB";
    private const long MostMemory = (600L + 350) << 20;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task Huge_pictures_that_arrive_together_stay_within_the_memory_limit()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-");
        var giant = ProgressiveJpeg.Create(10_000, 9_000);
        var files = Enumerable.Range(0, Pictures).Select(i => Path.Combine(folder.FullName, $"{i}.jpg")).ToList();
        foreach (var file in files) await File.WriteAllBytesAsync(file, giant);

        using var process = Process.Start(BuiltProgram.StartInfo(
        [
            "classify", "--json", "--set", $"image-classifier.node.classification.decode-memory={Budget}", .. files,
        ]))!;
        process.StandardInput.Close();
        var (print, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        var peak = 0L;
        await Until.HoldsAsync(
            () =>
            {
                peak = Math.Max(peak, ProcessMemory.Peak(process.Id) ?? 0);
                return process.HasExited;
            },
            Enough,
            () => "The pictures were not classified in time.");
        folder.Delete(recursive: true);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{peak >> 20} MiB at most"));
        Assert.Equal((0, ""), (process.ExitCode, await error));
        var classified = JsonSerializer.Deserialize<JsonElement>(await print).EnumerateArray();
        Assert.Equal(Pictures, classified.Count(file => file.GetProperty("status").GetString() == "classified"));
        Assert.InRange(peak, 1, MostMemory);
    }
}
