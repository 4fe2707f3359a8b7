using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Access;
using Xunit;

namespace ImageClassifier.Tests.Web.Api;

/// <summary>A client that a tool of npm generates from the API's description: <c>tests/client</c>. <c>npm ci</c> there
/// installs the tool.</summary>
public sealed class GeneratedClientSpecs
{
    [SkippableFact]
    public async Task A_generated_client_uploads_follows_and_reads_a_batch()
    {
        var folder = Path.Combine(Repository.Root, "tests", "client");
        Requirement.Met(Directory.Exists(Path.Combine(folder, "node_modules")), "npm ci has not run in tests/client");
        var key = ApiKey.New();
        await using var tier =
            (await RunningWebTier.StartAsync($"access.keys {{ alice = \"{ApiKey.SettingOf(key)}\" }}")).WithNode();
        var work = Directory.CreateTempSubdirectory("image-classifier-client-");
        try
        {
            var cat = await SaveAsync(work, Upload.Jpeg("cat.jpg", "tabby"));
            var notes = await SaveAsync(work, new Upload("notes.txt", "not a picture"u8.ToArray()));
            using var client = Start(
                Path.Combine(folder, "client.mjs"), key, ApiDocument.File, tier.Address.ToString().TrimEnd('/'),
                work.FullName, cat, notes);
            Requirement.Met(client is not null, "Node.js is not installed");
            var complaints = client!.StandardError.ReadToEndAsync(tier.InTime);
            var output = await client.StandardOutput.ReadToEndAsync(tier.InTime);
            await client.WaitForExitAsync(tier.InTime);
            Assert.True(client.ExitCode == 0, $"{output}\n{await complaints}");

            using var batch = JsonDocument.Parse(output);
            Assert.Equal(1, batch.RootElement.Number("completed"));
            Assert.Equal(1, batch.RootElement.Number("rejected"));
            Assert.Equal("tabby", batch.RootElement.GetProperty("jobs")[0].GetProperty("predictions")[0].Word("label"));
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private static async Task<string> SaveAsync(DirectoryInfo folder, Upload file)
    {
        var path = Path.Combine(folder.FullName, file.FileName);
        await File.WriteAllBytesAsync(path, file.Content);
        return path;
    }

    private static Process? Start(string script, string key, params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("node", [script, .. arguments])
            {
                Environment = { ["KEY"] = key },
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
