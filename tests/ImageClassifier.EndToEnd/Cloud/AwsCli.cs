using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>The AWS CLI, with which people create what the program does not create.</summary>
internal static class AwsCli
{
    private static readonly Lazy<bool> Installed = new(IsInstalled);

    /// <summary>Skips the running test if the CLI is not installed.</summary>
    public static void Require() => Requirement.Met(Installed.Value, "the AWS CLI is not installed (pip install awscli)");

    /// <summary>Runs a command, which must succeed.</summary>
    /// <returns>The command's output.</returns>
    public static async Task<JsonElement> RunAsync(
        CloudRole role, Uri endpoint, string region, params string[] arguments)
    {
        var start = new ProcessStartInfo("aws", [.. arguments, "--output", "json"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in role.Variables) start.Environment[name] = value;
        start.Environment["AWS_ENDPOINT_URL"] = endpoint.ToString();
        start.Environment["AWS_DEFAULT_REGION"] = region;
        start.Environment["AWS_REGION"] = region;
        var (exitCode, output, error) = await BuiltProgram.RunAsync(start);
        Assert.True(exitCode == 0, $"aws {string.Join(' ', arguments)}:\n{output}\n{error}");
        return output.Length > 0 ? JsonSerializer.Deserialize<JsonElement>(output) : default;
    }

    private static bool IsInstalled()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("aws", ["--version"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
