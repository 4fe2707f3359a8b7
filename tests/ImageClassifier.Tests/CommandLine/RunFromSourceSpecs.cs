using System.Diagnostics;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

/// <summary><c>dotnet run</c>, as the README uses it.</summary>
public sealed class RunFromSourceSpecs
{
    [Fact]
    public async Task The_program_starts_in_the_folder_of_the_user_so_it_finds_the_files_that_the_user_names()
    {
        var project = Path.Combine(Repository.Root, "src", "ImageClassifier.Host");
        using var build = Process.Start(new ProcessStartInfo(
            "dotnet", ["msbuild", project, "-nodeReuse:false", "-getProperty:RunWorkingDirectory"])
        {
            RedirectStandardOutput = true,
        })!;
        var folder = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.Equal((0, ""), (build.ExitCode, folder.Trim()));
    }
}
