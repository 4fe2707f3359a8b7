using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary><c>classify</c> ends at the first signal, whatever it waits for, and prints the results so far.</summary>
public sealed class ClassifyStopSpecs
{
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);

    // The command <c>timeout</c> sends its signal twice, and the second can come at any moment until the process has ended.
    [SkippableTheory]
    [InlineData("kill -TERM $0")]
    [InlineData("kill -INT $0")]
    [InlineData("timeout 0.3 sh -c 'while kill -TERM $0; do :; done' $0")]
    public async Task The_first_signal_ends_a_read_that_hangs_and_those_with_it_change_nothing(string signals)
    {
        Requirement.Met(OperatingSystem.IsLinux(), "this system has no /dev/stdin");
        // A pipe on standard input without a writer, which blocks like a dead network drive.
        using var process = Process.Start(BuiltProgram.StartInfo(["classify", "--json", "/dev/stdin"]))!;
        try
        {
            var begin = new char[1];
            await process.StandardOutput.ReadAsync(begin.AsMemory()).AsTask().WaitAsync(Enough);

            using var kill = Process.Start("sh", ["-c", $"{signals} 2>&-", $"{process.Id}"]);

            var rest = await process.StandardOutput.ReadToEndAsync().WaitAsync(Enough);
            await process.WaitForExitAsync().WaitAsync(Enough);
            Assert.Equal(1, process.ExitCode);
            Assert.Equal(0, JsonSerializer.Deserialize<JsonElement>(begin[0] + rest).GetArrayLength());
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    [SkippableFact]
    public async Task A_named_pipe_is_refused_and_its_neighbour_is_classified()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        var folder = Directory.CreateTempSubdirectory("image-classifier-");
        var pipe = Path.Combine(folder.FullName, "pipe.jpg");
        using (var command = Process.Start("mkfifo", [pipe])) await command.WaitForExitAsync();
        var good = Path.Combine(folder.FullName, "good.jpg");
        await File.WriteAllBytesAsync(good, Pictures.TestPictures.All[0].Bytes);

        var (exitCode, output, _) = await BuiltProgram.RunAsync("classify", "--json", pipe, good);
        folder.Delete(recursive: true);

        Assert.Equal(1, exitCode);
        var files = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.Contains("named pipe", files[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal("classified", files[1].GetProperty("status").GetString());
    }
}
