using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd;

/// <summary>Models that users add, from the command line to the nodes.</summary>
public sealed class ModelsSpecs : IDisposable
{
    private const string Setting = "image-classifier.node.classification.model=mine";

    private readonly string _data = Directory.CreateTempSubdirectory("image-classifier-").FullName;

    public void Dispose()
    {
        if (Directory.Exists(_data)) Directory.Delete(_data, recursive: true);
    }

    [SkippableFact]
    public async Task A_model_that_was_added_classifies_pictures_by_its_name()
    {
        using (var model = new CopiedModel())
        {
            model.Rename("added-model");
            var (added, output, error) = await BuiltProgram.RunAsync(
                "models", "add", model.Path, "--name", "mine", "--data", _data, "--json");
            Assert.True(added == 0, error);
            Assert.Equal("added", JsonElement.Parse(output).GetProperty("status").GetString());
        }

        var picture = Path.Combine(_data, "picture.jpg");
        await File.WriteAllBytesAsync(picture, TestPictures.All[0].Bytes);
        var (classified, outcomes, _) = await BuiltProgram.RunAsync(
            "classify", picture, "--json", "--data", _data, "--set", Setting);
        Assert.Equal(0, classified);
        Assert.Equal("added-model", ModelOf(JsonElement.Parse(outcomes)[0]));

        // The nodes are child processes, which look the name up themselves.
        await using var service = await RunningService.StartAsync(_data, ownsData: false, "node.classification.model=mine");
        var jobs = await service.FollowAsync(
            BatchId(await service.UploadAsync(TestPictures.Many(3))), TimeSpan.FromMinutes(2));
        Assert.All(jobs, job => Assert.Equal("added-model", ModelOf(job)));
    }

    [Fact]
    public async Task Downloads_go_through_the_proxy_of_the_environment()
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var asked = RefuseAsync(proxy);
        var start = BuiltProgram.StartInfo(["models", "add", "mobilenetv2", "--data", _data, "--json"]);
        foreach (var variable in (string[])["https_proxy", "no_proxy", "NO_PROXY"]) start.Environment.Remove(variable);
        start.Environment["HTTPS_PROXY"] = $"http://{proxy.LocalEndpoint}";

        var (exitCode, output, error) = await BuiltProgram.RunAsync(start);

        Assert.Equal("CONNECT github.com:443 HTTP/1.1", await asked);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("The proxy did not connect to github.com", error, StringComparison.Ordinal);
        var (_, listed, _) = await BuiltProgram.RunAsync("models", "list", "--data", _data, "--json");
        Assert.All(
            JsonElement.Parse(listed).EnumerateArray().SkipLast(1),
            model => Assert.False(model.GetProperty("isAdded").GetBoolean()));
    }

    private static async Task<string?> RefuseAsync(TcpListener proxy)
    {
        using var client = await proxy.AcceptTcpClientAsync();
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, leaveOpen: true);
        var first = await reader.ReadLineAsync();
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
            // The answer must come after the whole request.
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
        return first;
    }

    private static string? ModelOf(JsonElement result) => result.GetProperty("model").GetProperty("name").GetString();
}
