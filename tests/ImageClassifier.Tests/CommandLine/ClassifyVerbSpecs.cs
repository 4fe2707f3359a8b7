using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Classify;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.CommandLine;

public sealed class ClassifyVerbSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();
    private readonly ByteClassifier _classifier = new(batchSize: 3);

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
    }

    [Fact]
    public async Task Json_lists_predictions_and_the_model_of_each_file()
    {
        var file = _folder.Write("cat é.jpg", ByteClassifier.Jpeg(7));
        Assert.Equal(ExitCodes.Done, await RunAsync([file], json: true));

        var entry = Assert.Single(Json().EnumerateArray());
        Assert.Equal(
            ["file", "status", "predictions", "model"], entry.EnumerateObject().Select(property => property.Name));
        Assert.Equal(file, entry.GetProperty("file").GetString());
        Assert.Equal("classified", entry.GetProperty("status").GetString());
        var best = entry.GetProperty("predictions")[0];
        Assert.Equal(7, best.GetProperty("index").GetInt32());
        Assert.Equal("label 7", best.GetProperty("label").GetString());
        Assert.Equal(0.75, best.GetProperty("probability").GetDouble());
        Assert.Equal("bytes", entry.GetProperty("model").GetProperty("name").GetString());
        Assert.Equal(64, entry.GetProperty("model").GetProperty("sha256").GetString()!.Length);
        Assert.Contains("cat é.jpg", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(500)]
    public async Task Results_come_in_the_order_of_the_arguments_with_few_in_memory(int count)
    {
        string[] files =
            [.. Enumerable.Range(0, count).Select(i => _folder.Write($"{i}.jpg", ByteClassifier.Jpeg((byte)(i % 200))))];
        Assert.Equal(ExitCodes.Done, await RunAsync(files, json: true));

        var entries = Json().EnumerateArray().ToList();
        Assert.Equal(files, entries.Select(entry => entry.GetProperty("file").GetString()));
        Assert.Equal(
            Enumerable.Range(0, count).Select(i => i % 200),
            entries.Select(entry => entry.GetProperty("predictions")[0].GetProperty("index").GetInt32()));
        Assert.Equal((count + 2) / 3, _classifier.Calls);
        Assert.InRange(_classifier.MostInMemory, 1, 3 + Math.Max(3, Environment.ProcessorCount) + 2);
        AssertAllReleased();
    }

    [Fact]
    public async Task A_file_that_cannot_be_classified_fails_alone()
    {
        string[] files =
        [
            _folder.Write("good.jpg", ByteClassifier.Jpeg(1)),
            Path.Combine(_folder.Path, "none.jpg"),
            _folder.Path,
            _folder.Write("empty.jpg", ""),
            _folder.Write("large.png", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, .. new byte[2000]]),
            _folder.Write("text.jpg", "no picture at all"),
            _folder.Write("text.txt", "text"),
            _folder.Write("damaged.jpg", ByteClassifier.Jpeg(ByteClassifier.Refused)),
            "",
            "null\0.jpg",
            _folder.Write("no-extension", ByteClassifier.Jpeg(2)),
            Path.Combine(_folder.Path, "bl\uFFFDtter.jpg"),
        ];
        Assert.Equal(
            ExitCodes.SomeFailed, await RunAsync(files, json: true, "image-classifier.uploads.max-file-size=1KiB"));

        var entries = Json().EnumerateArray().ToList();
        Assert.Equal(files, entries.Select(entry => entry.GetProperty("file").GetString()));
        Assert.Equal(
            [
                null, "missing", "unreadable", "empty", "too-large", "content-mismatch", "unsupported-name", "undecodable",
                "unreadable", "unreadable", null, "unreadable",
            ],
            entries.Select(entry => entry.TryGetProperty("errorCode", out var code) ? code.GetString() : null));
        Assert.All(entries, entry => Assert.Equal(
            entry.GetProperty("status").GetString() == "failed", entry.TryGetProperty("error", out _)));
        Assert.Equal(2, entries.Count(entry => entry.GetProperty("status").GetString() == "classified"));
        AssertAllReleased();
    }

    [SkippableTheory]
    [InlineData("pipe.jpg", "It is a named pipe (FIFO), not a regular file.")]
    [InlineData("socket.jpg", "It is a socket, not a regular file.")]
    [InlineData("/dev/zero", "It is a device, not a regular file.")]
    public async Task Only_regular_files_are_opened(string name, string sentence)
    {
        Requirement.Met(OperatingSystem.IsLinux(), "only on Linux the kind of a file is known before it is opened");
        var path = Path.Combine(_folder.Path, name);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (name == "socket.jpg") socket.Bind(new UnixDomainSocketEndPoint(path));
        if (name == "pipe.jpg") await MakePipeAsync(path);

        Assert.Equal(ExitCodes.SomeFailed, await RunAsync([path], json: true).WaitAsync(TimeSpan.FromMinutes(1)));

        var entry = Assert.Single(Json().EnumerateArray());
        Assert.Equal("unreadable", entry.GetProperty("errorCode").GetString());
        Assert.StartsWith(sentence, entry.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bytes_decide_the_format_and_a_refusal_says_what_to_do()
    {
        var webP = "RIFF\u0020\0\0\0WEBPVP8 \u0001"u8.ToArray();
        string[] files =
        [
            _folder.Write("jpeg_named.png", ByteClassifier.Jpeg(1)),
            _folder.Write("heic.jpg", "\0\0\0\u0018ftypheic\0\0\0\0mif1heic"u8.ToArray()),
            _folder.Write("pointer.png", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"),
            _folder.Write("page.html", "<!DOCTYPE html><title>404</title>"),
            _folder.Write("a.webp", webP),
        ];
        Assert.Equal(ExitCodes.SomeFailed, await RunAsync(files, json: true));
        Assert.Equal(
            [
                null,
                "The file is a HEIC picture. Export it as JPEG or PNG.",
                "The file is a Git LFS pointer, not the picture itself. Run git lfs pull and send the picture.",
                "The file is a web page (HTML), not the picture itself. Download the picture and send that.",
                "The file is a WebP picture. Export it as JPEG or PNG.",
            ],
            Json().EnumerateArray()
                .Select(entry => entry.TryGetProperty("error", out var error) ? error.GetString() : null));

        _output.GetStringBuilder().Clear();
        Assert.Equal(
            ExitCodes.Done, await RunAsync([files[^1]], json: true, "image-classifier.uploads.formats=jpeg,webp"));
    }

    [Fact]
    public async Task The_table_has_a_line_for_each_file_whatever_its_name()
    {
        var good = _folder.Write("[red]cat.jpg", ByteClassifier.Jpeg(7));
        var bad = Path.Combine(_folder.Path, new string('x', 200) + "\u001b[2J.jpg");
        Assert.Equal(ExitCodes.SomeFailed, await RunAsync([good, bad], json: false));

        var lines = _output.ToString().Split(Environment.NewLine);
        Assert.Contains(lines, line => line.Contains(good, StringComparison.Ordinal)
            && line.Contains("label 7", StringComparison.Ordinal) && line.Contains("75.0", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains(new string('x', 200), StringComparison.Ordinal)
            && line.Contains("There is no such file.", StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', _output.ToString());
    }

    [Fact]
    public async Task Direction_marks_in_a_name_affect_neither_the_table_nor_the_JSON()
    {
        var file = _folder.Write("cat\u202Egpj.png", ByteClassifier.Jpeg(7));
        await RunAsync([file], json: false);
        Assert.Contains("cat\uFFFDgpj.png", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\u202E', _output.ToString());

        _output.GetStringBuilder().Clear();
        await RunAsync([file], json: true);
        Assert.DoesNotContain('\u202E', _output.ToString());
        Assert.Equal(file, Json()[0].GetProperty("file").GetString());
    }

    [Fact]
    public async Task An_interrupted_run_prints_its_results_and_ends_cleanly()
    {
        using var stop = new CancellationTokenSource();
        _classifier.OnClassify = stop.Cancel;
        string[] files = [.. Enumerable.Range(0, 50).Select(i => _folder.Write($"{i}.jpg", ByteClassifier.Jpeg(1)))];
        Assert.Equal(
            ExitCodes.SomeFailed, await Verb().RunAsync(Options(files, json: true), stop.Token));

        Assert.Equal(3, Json().GetArrayLength());
        AssertAllReleased();
    }

    [Fact]
    public async Task An_unexpected_decoder_failure_ends_the_work_with_complete_JSON()
    {
        string[] files =
        [
            .. Enumerable.Range(0, 3).Select(i => _folder.Write($"{i}.jpg", ByteClassifier.Jpeg(1))),
            .. Enumerable.Range(0, 9).Select(i => _folder.Write($"f{i}.jpg", ByteClassifier.Jpeg(ByteClassifier.Fatal))),
            _folder.Write("last.jpg", ByteClassifier.Jpeg(1)),
        ];
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(files, json: true));

        Assert.Equal(3, Json().GetArrayLength());
        AssertAllReleased();
    }

    [Fact]
    public async Task A_wrong_setting_prints_nothing()
    {
        await Assert.ThrowsAsync<InvalidSettingException>(
            () => RunAsync(["a.jpg"], json: true, "image-classifier.uploads.max-file-size=0"));
        var missing = new ClassifyVerb(
            _ => throw new InvalidSettingException("a", "b", "there is no such model"), _output, width: null);
        await Assert.ThrowsAsync<InvalidSettingException>(
            () => missing.RunAsync(Options(["a.jpg"], json: true), CancellationToken.None));
        Assert.Equal("", _output.ToString());
    }

    [Fact]
    public async Task The_classifier_is_created_from_the_settings()
    {
        var verb = new ClassifyVerb(
            config =>
            {
                Assert.Equal(_folder.Path, OnnxSettings.Create(config).ModelFolder);
                return _classifier;
            },
            _output,
            width: 80);
        await verb.RunAsync(
            Options(["a.jpg"], json: false, $"image-classifier.node.classification.model={_folder.Path}"),
            CancellationToken.None);
        Assert.True(_classifier.Disposed);
    }

    private static async Task MakePipeAsync(string path)
    {
        using var command = Process.Start("mkfifo", [path]);
        await command.WaitForExitAsync();
        Assert.Equal(0, command.ExitCode);
    }

    private static ClassifyOptions Options(string[] files, bool json, params string[] assignments) =>
        new(Sources.Set(assignments), files, json);

    private ClassifyVerb Verb() => new(_ => _classifier, _output, width: null);

    private Task<int> RunAsync(string[] files, bool json, params string[] assignments) =>
        Verb().RunAsync(Options(files, json, assignments), CancellationToken.None);

    private JsonElement Json() => JsonDocument.Parse(_output.ToString()).RootElement;

    private void AssertAllReleased()
    {
        Assert.Equal(0, _classifier.InMemory);
        Assert.True(_classifier.Disposed);
    }
}
