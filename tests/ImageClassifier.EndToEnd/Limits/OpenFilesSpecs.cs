using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Limits;

/// <summary>More sockets than the process may open files: the service survives without using a core, and works
/// again.</summary>
[Collection(AloneCollection.Name)]
public sealed class OpenFilesSpecs(ITestOutputHelper output)
{
    private const int Files = 600;
    private const int Sockets = 800;
    private const int TooFewFiles = 420;
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(4);

    [SkippableFact]
    public async Task More_idle_connections_than_files_do_not_end_the_service_or_keep_a_core_busy()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "limits of processes are set with prlimit, which is Linux's");
        await using var service = await RunningService.StartWithFilesAsync(Files);
        await Until.HoldsAsync(
            () => service.Log.Contains($"This process may have {Files} files open", StringComparison.Ordinal), Enough,
            () => $"The log does not say that there are few files:\n{service.Log}");
        // It connects before all others, and stays connected.
        Assert.Equal(HttpStatusCode.OK, (await service.Http.GetAsync("/health/live")).StatusCode);

        var idle = await ConnectAsync(service.Address);
        try
        {
            var before = ProcessorTime(service);
            var clock = Stopwatch.StartNew();
            var answers = 0;
            while (clock.Elapsed < Watched)
            {
                Assert.Equal(HttpStatusCode.OK, (await service.Http.GetAsync("/health/live")).StatusCode);
                answers++;
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }

            var busy = (ProcessorTime(service) - before) / clock.Elapsed;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Sockets} sockets, {OpenFiles(service)} of {Files} files open, {100 * busy:0} % of a core, "
                + $"{answers} answers"));
            Assert.InRange(busy, 0, 0.75);
            Assert.InRange(OpenFiles(service), 0, Files - 50);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }

        await Until.HoldsAsync(
            () => CanConnectAsync(service.Address), Enough, () => $"It serves no one again:\n{service.Log}");
        var accepted = await service.UploadAsync(TestPictures.Many(3));
        AssertOnceEach(accepted, await service.FollowAsync(BatchId(accepted), Enough));
        Assert.Equal(0, await service.StopAsync());
    }

    [SkippableFact]
    public async Task With_too_low_a_limit_of_open_files_the_service_does_not_start_and_says_what_to_do()
    {
        Requirement.Met(OperatingSystem.IsLinux(), "limits of processes are set with prlimit, which is Linux's");
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        var (exitCode, _, error) = await BuiltProgram.RunAsync(BuiltProgram.StartInfoWithFiles(
            TooFewFiles, ["web", "--urls", "http://127.0.0.1:0", "--data", data]));
        Directory.Delete(data, recursive: true);
        Assert.Equal(2, exitCode);
        Assert.Contains($"(ulimit -n) = {TooFewFiles} is not usable: a web tier", error, StringComparison.Ordinal);
    }

    private static async Task<List<Socket>> ConnectAsync(Uri address)
    {
        var sockets = new List<Socket>();
        while (sockets.Count < Sockets)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await socket.ConnectAsync(IPAddress.Loopback, address.Port);
        }

        return sockets;
    }

    private static async Task<bool> CanConnectAsync(Uri address)
    {
        using var http = new HttpClient { BaseAddress = address };
        try
        {
            return (await http.GetAsync("/health/live")).StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static TimeSpan ProcessorTime(RunningService service)
    {
        using var process = Process.GetProcessById(service.ProcessId);
        return process.TotalProcessorTime;
    }

    private static int OpenFiles(RunningService service) =>
        Directory.GetFileSystemEntries($"/proc/{service.ProcessId}/fd").Length;
}
