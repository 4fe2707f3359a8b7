using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;
using SkiaSharp;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary><c>send</c> to three web nodes behind nginx. Whatever is cut, every file is sent and reported once.</summary>
public sealed class SendSpecs(ITestOutputHelper output)
{
    private const int Files = 2000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task Nothing_is_sent_twice_and_nothing_is_missing_after_three_cuts()
    {
        var folder = Directory.CreateTempSubdirectory("image-classifier-send-");
        try
        {
            WritePictures(Path.Combine(folder.FullName, "pictures"));
            await using var environment = new EmbeddedFaults(
                Directory.CreateTempSubdirectory("image-classifier-").FullName);
            await using var tier = await WebNodeGroup.StartAsync(environment.DataFolder, 3, environment.Settings);
            string[] arguments =
            [
                "send", Path.Combine(folder.FullName, "pictures"), "--recursive", "--json", "--server",
                tier.Address.ToString(), "--resume", Path.Combine(folder.FullName, "state"),
            ];

            using (var killed = new RunningSend(arguments))
            {
                await killed.ResultsAsync(1);
                output.WriteLine($"send is killed with {killed.Lines.Count} results");
                await killed.EndAsync("KILL");
            }

            using (var interrupted = new RunningSend(arguments))
            {
                await interrupted.ResultsAsync(Files / 10);
                output.WriteLine($"A web node is killed with {interrupted.Lines.Count} results");
                await tier.KillAsync(1);
                await tier.StartNodeAsync(1);
                await interrupted.ResultsAsync(Files / 3);
                output.WriteLine($"send is interrupted with {interrupted.Lines.Count} results");
                Assert.Equal(130, await interrupted.EndAsync("INT"));
            }

            using (var last = new RunningSend(arguments))
            {
                Assert.True(await last.EndAsync() == 0, $"{last.Errors}\n{tier.Log}");
                Assert.Equal(Files, last.Lines.Count);
                Assert.Equal(Files, last.Lines.Select(line => line.GetProperty("file").GetString()).Distinct().Count());
                Assert.All(last.Lines, line => Assert.Equal("classified", line.GetProperty("status").GetString()));
            }

            await AssertSentOnceAsync(environment.Objects);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task AssertSentOnceAsync(IStoredObjects objects)
    {
        var names = new List<string>();
        foreach (var key in await objects.ListAsync("batches"))
        {
            if (!key.EndsWith("manifest.json", StringComparison.Ordinal)) continue;
            var manifest = await objects.ReadAsync(key);
            if (manifest.TryGetProperty("abandoned", out _)) continue;
            names.AddRange(manifest.GetProperty("jobs").EnumerateArray()
                .Select(job => job.GetProperty("fileName").GetString()!));
        }

        Assert.Equal(Files, names.Count);
        Assert.Equal(Files, names.Distinct().Count());
        // Beside its results, each batch has one object that names its model.
        var results = await objects.ListAsync("results");
        Assert.Equal(Files, results.Count(key => Path.GetFileName(key) != "model.json"));
    }

    private static void WritePictures(string folder)
    {
        for (var i = 0; i < Files; i++)
        {
            using var bitmap = new SKBitmap(16, 16);
            bitmap.Erase(new SKColor((uint)(0xFF000000 + i * 7919)));
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            var file = Path.Combine(folder, $"{i % 10}", $"{i:0000}.png");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, data.ToArray());
        }
    }

    /// <summary>A process of <c>send --json</c>.</summary>
    private sealed class RunningSend : IDisposable
    {
        private readonly Process _process;
        private readonly ConcurrentQueue<string> _lines = new();
        private readonly ConcurrentQueue<string> _errors = new();

        public RunningSend(string[] arguments)
        {
            _process = new Process { StartInfo = BuiltProgram.StartInfo(arguments) };
            _process.OutputDataReceived += (_, line) => Add(_lines, line.Data);
            _process.ErrorDataReceived += (_, line) => Add(_errors, line.Data);
            _process.Start();
            _process.StandardInput.Close();
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }

        public IReadOnlyList<JsonElement> Lines =>
            [.. _lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

        public string Errors => string.Join('\n', _errors);

        /// <summary>Waits for a number of results.</summary>
        public Task ResultsAsync(int count) => Until.HoldsAsync(
            () => _lines.Count >= count || _process.HasExited, Limit, () => $"{_lines.Count} results.\n{Errors}");

        /// <summary>Waits for the end, after a signal if there is one.</summary>
        /// <returns>The exit code.</returns>
        public async Task<int> EndAsync(string? signal = null)
        {
            if (signal is not null) ProcessTable.Signal(_process.Id, signal);
            await _process.WaitForExitAsync().WaitAsync(Limit);
            return _process.ExitCode;
        }

        public void Dispose()
        {
            if (!_process.HasExited) _process.Kill();
            _process.Dispose();
        }

        private static void Add(ConcurrentQueue<string> lines, string? line)
        {
            if (!string.IsNullOrEmpty(line)) lines.Enqueue(line);
        }
    }
}
