using System.Diagnostics;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary><c>train</c> that is stopped or killed.</summary>
public sealed class TrainStopSpecs : IDisposable
{
    // Far more than are read before the signal.
    private const int Many = 5000;

    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("image-classifier-");

    private string Pictures => Path.Combine(_folder.FullName, "pictures");

    private string Out => Path.Combine(_folder.FullName, "out");

    public void Dispose() => _folder.Delete(recursive: true);

    [SkippableFact]
    public async Task An_interrupted_training_says_so_and_a_killed_one_is_cleaned_up_by_the_next()
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "this system has no signals");
        WritePictures();

        var (killed, _) = await StopAsync("KILL");
        Assert.NotEqual(0, killed);
        Assert.Single(Directory.GetDirectories(_folder.FullName, "out.partial-*"));

        var (interrupted, error) = await StopAsync("INT");
        Assert.Equal((1, "Interrupted. No model was written."), (interrupted, error.Trim()));
        Assert.Equal([Pictures], Directory.GetDirectories(_folder.FullName));
    }

    private async Task<(int ExitCode, string Error)> StopAsync(string signal)
    {
        var before = Directory.GetDirectories(_folder.FullName);
        using var process = Process.Start(BuiltProgram.StartInfo(["train", Pictures, "--out", Out]))!;
        try
        {
            var error = process.StandardError.ReadToEndAsync();
            await Until.HoldsAsync(
                () => Directory.GetDirectories(_folder.FullName).Except(before).Any(), Enough,
                () => "The training did not begin.");
            ProcessTable.Signal(process.Id, signal);
            await process.WaitForExitAsync().WaitAsync(Enough);
            return (process.ExitCode, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private void WritePictures()
    {
        var picture = Path.Combine(_folder.FullName, "picture.jpg");
        File.WriteAllBytes(picture, TestPictures.All[0].Bytes);
        foreach (var label in new[] { "cats", "dogs" })
        {
            var folder = Directory.CreateDirectory(Path.Combine(Pictures, label)).FullName;
            for (var i = 0; i < Many; i++) File.CreateSymbolicLink(Path.Combine(folder, $"{i}.jpg"), picture);
        }
    }
}
