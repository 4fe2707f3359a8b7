using System.Net;
using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Models;
using Xunit;

namespace ImageClassifier.Tests.CommandLine.Send;

/// <summary><c>send</c> to a real web tier.</summary>
public sealed class SendVerbSpecs : IDisposable
{
    private readonly SendRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Files_folders_patterns_and_a_list_are_sent_and_each_file_once()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var named = _run.Write(Upload.Jpeg("ä \"named\".jpg", "cat"));
        _run.Write(Upload.Jpeg("folder/in.jpg", "dog"));
        _run.Write(Upload.Jpeg("folder/deep/deeper/under.jpg", "fox"));
        _run.Write(new Upload("folder/notes.txt", [1, 2, 3]));
        _run.Write(Upload.Png("shots/one.png", "owl"));
        _run.Write(Upload.Png("shots/more/two.png", "bee"));
        _run.Write(Upload.Jpeg("shots/other.jpg"));
        var listed = _run.Write(Upload.Jpeg("listed.jpg", "ant"));
        _run.Input = $"{listed}\n\n{named}\n";

        var options = SendRun.Options(
            tier, named, Path.Combine(_run.Folder, "folder"), Path.Combine(_run.Folder, "shots", "**", "*.png"), "-",
            named) with
        { Recursive = true };
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));

        Assert.Equal(
            [
                ("in.jpg", "dog"), ("listed.jpg", "ant"), ("one.png", "owl"), ("two.png", "bee"), ("under.jpg", "fox"),
                ("ä \"named\".jpg", "cat"),
            ],
            _run.Names.Select(name => (name, Label(_run.Line(name)))));
        Assert.All(_run.Lines, line => Assert.Equal("classified", SendRun.Text(line, "status")));
        Assert.Equal(6, Pictures(tier));
        Assert.DoesNotContain("--recursive", _run.Error, StringComparison.Ordinal);
        Assert.Contains("6 files: 6 classified (1 file in folders is no picture).", _run.Error, StringComparison.Ordinal);
        Assert.Empty(_run.StateFiles);
    }

    [Fact]
    public async Task Without_recursive_only_the_pictures_of_the_folder_itself_are_sent_and_a_note_says_so()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        _run.Write(Upload.Jpeg("a.jpg"));
        _run.Write(Upload.Jpeg("deep/b.jpg"));
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, _run.Folder)));
        Assert.Equal(["a.jpg"], _run.Names);
        Assert.Contains(
            "Left out 1 folder below the named ones. To send its pictures too, add --recursive.", _run.Error, StringComparison.Ordinal);

        // A pattern says itself how deep it goes.
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, Path.Combine(_run.Folder, "*.jpg"))));
        Assert.DoesNotContain("--recursive", _run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_http_is_refused_with_what_is_missing()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var options = SendRun.Options(tier, Files(1)) with { Server = "127.0.0.1:5000" };
        var refusal = await Assert.ThrowsAsync<InvalidSettingException>(() => _run.RunAsync(options));
        Assert.Contains("it must begin with http:// or https://", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_sent_or_classified_fails_alone_and_with_its_reason()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        string[] paths =
        [
            _run.Write(Upload.Jpeg("good.jpg")),
            _run.Write(new Upload("text.jpg", "plain text"u8.ToArray())),
            _run.Write(new Upload("empty.png", [])),
            _run.Write(Upload.Jpeg("damaged.jpg", Upload.Undecodable)),
            _run.Write(Upload.WebP("modern.webp")),
            Path.Combine(_run.Folder, "none.jpg"),
            Path.Combine(_run.Folder, "*.gif"),
        ];
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(SendRun.Options(tier, paths)));

        Assert.Equal(
            [
                ("*.gif", "rejected", "missing"), ("damaged.jpg", "failed", "undecodable"), ("empty.png", "rejected", "empty"),
                ("good.jpg", "classified", ""), ("modern.webp", "rejected", "unsupported-name"),
                ("none.jpg", "rejected", "missing"), ("text.jpg", "rejected", "content-mismatch"),
            ],
            _run.Names.Select(name => _run.Line(name) is var line
                ? (name, SendRun.Text(line, "status")!, SendRun.Text(line, "errorCode") ?? "")
                : default));
        Assert.Contains("7 files: 1 classified, 6 failed.", _run.Error, StringComparison.Ordinal);
        Assert.Empty(_run.StateFiles);
    }

    [Fact]
    public async Task A_folder_names_pictures_that_it_cannot_send_and_leaves_out_other_files()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        _run.Write(new Upload("photo.heic", [0, 0, 0, 24, .. "ftypheic"u8, 0, 0, 0, 0, .. "mif1heic"u8]));
        _run.Write(new Upload("broken.jpg", "no picture"u8.ToArray()));
        _run.Write(new Upload("notes.txt", "some notes"u8.ToArray()));
        _run.Write(new Upload("mark.md", []));
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(SendRun.Options(tier, _run.Folder)));
        Assert.Equal(["broken.jpg", "photo.heic"], _run.Names);
        Assert.Equal(
            "The file is a HEIC picture. Export it as JPEG or PNG.", SendRun.Text(_run.Line("photo.heic"), "error"));
    }

    [Fact]
    public async Task A_repeated_picture_is_marked()
    {
        var store = new InMemoryObjectStore(TimeProvider.System);
        var models = new KnownModels(Jobs.Classified(Jobs.Request()).Model, null);
        await using var tier = (await RunningWebTier.StartAsync(change: parts => parts with { Models = models }, store: store))
            .WithNode();
        var options = SendRun.Options(tier, _run.Write(Upload.Jpeg("cat.jpg", "cat")));
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        Assert.False(_run.Line("cat.jpg").TryGetProperty("cached", out _));

        await tier.UntilAsync(() => store.Keys.Any(RepeatKeys.IsRecord), "the picture is remembered");
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        Assert.True(_run.Line("cat.jpg").GetProperty("cached").GetBoolean());
        var csv = Path.Combine(_run.Folder, "results.csv");
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options with { Json = false, Csv = csv }));
        Assert.EndsWith(",true", (await File.ReadAllLinesAsync(csv))[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_and_a_csv_file_have_a_row_for_each_file()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(
            tier, _run.Write(Upload.Jpeg("=1+1.jpg", "cat")), _run.Write(Upload.Jpeg("bad.jpg", Upload.Undecodable)));
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options with { Json = false }));
        Assert.Contains("=1+1.jpg", _run.Output, StringComparison.Ordinal);
        Assert.Contains("cat", _run.Output, StringComparison.Ordinal);
        Assert.Contains("failed", _run.Output, StringComparison.Ordinal);

        var csv = Path.Combine(_run.Folder, "results.csv");
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options with { Json = false, Csv = csv }));
        Assert.Equal("", _run.Output);
        var rows = await File.ReadAllLinesAsync(csv);
        Assert.Equal("file,status,label,probability,error,errorCode,model,batchId,jobId,cached", rows[0]);
        Assert.Equal(3, rows.Length);
        Assert.Contains(rows, row => row.Contains("=1+1.jpg,classified,cat,", StringComparison.Ordinal));
        Assert.Contains(rows, row => row.Contains(",undecodable,", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_csv_file_replaces_only_one_of_an_earlier_send()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var picture = _run.Write(Upload.Jpeg("cat.jpg"));
        var options = SendRun.Options(tier, picture) with { Json = false, Csv = _run.Write(Upload.Jpeg("dog.jpg")) };
        var before = await File.ReadAllBytesAsync(options.Csv);
        var refusal = await Assert.ThrowsAsync<InvalidSettingException>(() => _run.RunAsync(options));
        Assert.Contains("--csv", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(options.Csv));
        Assert.Empty(_run.StateFiles);
        Assert.Empty(tier.Keys);

        var csv = Path.Combine(_run.Folder, "results.csv");
        await File.WriteAllTextAsync(csv, "");
        for (var run = 0; run < 2; run++) Assert.Equal(ExitCodes.Done, await _run.RunAsync(options with { Csv = csv }));
        Assert.Equal(2, (await File.ReadAllLinesAsync(csv)).Length);
    }

    [SkippableFact]
    public async Task Results_that_cannot_be_written_end_the_run_and_the_next_one_has_all()
    {
        Skip.IfNot(File.Exists("/dev/full"), "There is no /dev/full.");
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(3)) with { Json = false, Csv = "/dev/full" };
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options));
        Assert.Contains("The results cannot be written", _run.Error, StringComparison.Ordinal);
        var state = Assert.Single(_run.StateFiles);

        var csv = Path.Combine(_run.Folder, "results.csv");
        var next = options with { Paths = [], Resume = state, Csv = csv };
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(next));
        Assert.Equal(4, (await File.ReadAllLinesAsync(csv)).Length);
    }

    [Fact]
    public async Task The_key_comes_from_a_variable_or_a_file_and_is_never_shown()
    {
        var key = ApiKey.New();
        await using var tier = (await RunningWebTier.StartAsync($"access.keys.me = \"{ApiKey.SettingOf(key)}\"")).WithNode();
        var options = SendRun.Options(tier, _run.Write(Upload.Jpeg("a.jpg")));
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(options));
        Assert.Contains("IMAGE_CLASSIFIER_KEY", _run.Error, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was sent.\n", _run.Error, StringComparison.Ordinal);
        Assert.Empty(_run.StateFiles);

        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(WithKey(options, ApiKey.New())));
        Assert.Contains("The service does not accept the key.", _run.Error, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, await _run.RunAsync(WithKey(options, key)));
        Assert.DoesNotContain(key, _run.Output + _run.Error, StringComparison.Ordinal);

        var file = Path.Combine(_run.Folder, "key");
        await File.WriteAllTextAsync(file, $"{key}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options with { KeyFile = file }));
        Assert.DoesNotContain(key, _run.Output + _run.Error, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows()) Assert.Contains("chmod 600", _run.Error, StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, $"{key}\nmore");
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => _run.RunAsync(options with { KeyFile = file }));
        Assert.DoesNotContain(key, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var elsewhere = new Cuts(before: (_, _) =>
            new HttpResponseMessage(HttpStatusCode.Redirect) { Headers = { Location = new Uri("http://elsewhere.example/") } });
        var options = WithKey(SendRun.Options(tier, _run.Write(Upload.Jpeg("a.jpg"))), ApiKey.New());
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(options, elsewhere));
        Assert.Equal(1, elsewhere.Calls);
        Assert.Contains("http://elsewhere.example/", _run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_sent_in_halves()
    {
        await using var tier = (await RunningWebTier.StartAsync("uploads.max-files = 2")).WithNode();
        _run.Limits = _run.Limits with { ChunkFiles = 7 };
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, Files(7))));
        Assert.Equal(7, _run.Lines.Count);
        Assert.Equal(7, Pictures(tier));
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    public async Task Retry_after_is_obeyed(HttpStatusCode status)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var time = new JumpingTime();
        _run.Time = time;
        _run.Limits = _run.Limits with { Silence = TimeSpan.FromHours(2), Uploads = 1 };
        var start = time.GetTimestamp();
        var second = TimeSpan.Zero;
        using var busy = new Cuts(before: (call, _) =>
        {
            if (call == 0) return Cuts.Later(status, seconds: 90);
            if (call == 1) second = time.GetElapsedTime(start);
            return null;
        });
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, Files(1)), busy));
        Assert.InRange(second, TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(91));
        Assert.Contains("The service asks to wait 90 s: Too many uploads.", _run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pause_of_years_ends_after_half_an_hour_and_each_reason_is_said_once()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var time = new JumpingTime();
        _run.Time = time;
        _run.Limits = _run.Limits with { Silence = TimeSpan.FromHours(2), Uploads = 1 };
        var start = time.GetTimestamp();
        var last = TimeSpan.Zero;
        using var busy = new Cuts(before: (call, _) =>
        {
            if (call == 3) last = time.GetElapsedTime(start);
            return call < 3 ? Cuts.Later(HttpStatusCode.ServiceUnavailable, int.MaxValue) : null;
        });
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, Files(1)), busy));
        Assert.InRange(last, TimeSpan.FromMinutes(90), TimeSpan.FromMinutes(91));
        Assert.Equal(2, _run.Error.Split("asks to wait 1800 s").Length);
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, "<html>")]
    [InlineData(HttpStatusCode.Accepted, "{}")]
    [InlineData(HttpStatusCode.Accepted, """{"batchId":"00000000000000000000000000000001","jobs":[null]}""")]
    public async Task An_answer_of_something_else_ends_the_run_and_no_file_counts_as_sent(HttpStatusCode status, string body)
    {
        await using var tier = await RunningWebTier.StartAsync();
        using var other = new Cuts(before: (_, _) => new HttpResponseMessage(status) { Content = new StringContent(body) });
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(SendRun.Options(tier, Files(1)), other));
        Assert.Contains("does not answer like this service", _run.Error, StringComparison.Ordinal);
        Assert.Contains("1 file: 0 classified, 1 without a result.", _run.Error, StringComparison.Ordinal);
        Assert.Single(_run.StateFiles);
    }

    [Fact]
    public async Task A_result_with_holes_ends_the_run_with_words()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var files = Files(1);
        using var broken = new Cuts(after: (_, answer) =>
        {
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                answer.Content = new StringContent(
                    $$$"""data: {"id":"a-1","job":{"jobId":"{{{JobId.New()}}}","fileName":"0.jpg","status":"classified","""
                    + "\"predictions\":[null]}}\n\n");
            }

            return Task.FromResult(answer);
        });
        var options = SendRun.Options(tier, files) with { Json = false };
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(options, broken));
        Assert.Contains("does not answer like this service", _run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_fails_for_a_while_gets_every_file_once()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        using var failing = new Cuts(
            before: (call, _) => call switch
            {
                0 => throw new HttpRequestException("Connection refused"),
                1 => new HttpResponseMessage(HttpStatusCode.BadGateway),
                _ => null,
            },
            // The answers to some calls are lost.
            after: (call, answer) => call is 2 or 4 ? throw new HttpRequestException("Broken pipe") : Task.FromResult(answer));
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, Files(5)), failing));
        Assert.Equal(5, _run.Names.Distinct().Count());
        Assert.Equal(5, _run.Lines.Count);
        Assert.Equal(5, Pictures(tier));
        Assert.Contains("Trying again.", _run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_turns_into_a_folder_while_it_is_sent_fails_alone()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var files = Files(2);
        using var changing = new Cuts(before: (call, _) =>
        {
            if (call != 0) return null;
            File.Delete(files[1]);
            Directory.CreateDirectory(files[1]);
            return null;
        });
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(SendRun.Options(tier, files), changing));
        Assert.Equal("classified", SendRun.Text(_run.Line("0.jpg"), "status"));
        Assert.Equal("unreadable", SendRun.Text(_run.Line("1.jpg"), "errorCode"));
    }

    [Fact]
    public async Task A_stream_of_results_that_ends_early_is_read_on_from_the_last_event()
    {
        await using var tier = await RunningWebTier.StartAsync();
        _run.Limits = _run.Limits with { ChunkFiles = 5 };
        var paths = new List<string>();
        using var ending = new Cuts(
            before: (_, request) =>
            {
                lock (paths) paths.Add(request.RequestUri!.PathAndQuery);
                return null;
            },
            after: async (call, answer) => call == 1 ? await FirstEventAsync(answer) : answer);
        tier.WithNode();
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendRun.Options(tier, Files(5)), ending));
        Assert.Equal(5, _run.Lines.Count);
        Assert.Equal(5, _run.Names.Distinct().Count());
        Assert.Contains("?after=", paths[2], StringComparison.Ordinal);
    }

    private static string Label(JsonElement line) =>
        line.GetProperty("predictions")[0].GetProperty("label").GetString()!;

    internal static SendOptions WithKey(SendOptions options, string key) => options with
    {
        Variables = new Dictionary<string, string> { [SendOptions.KeyVariable] = key },
    };

    private string[] Files(int count) =>
        [.. Enumerable.Range(0, count).Select(i => _run.Write(Upload.Jpeg($"{i}.jpg")))];

    private static int Pictures(RunningWebTier tier) =>
        tier.Keys.Count(key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));

    private static async Task<HttpResponseMessage> FirstEventAsync(HttpResponseMessage answer)
    {
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        var lines = new List<string>();
        while (await reader.ReadLineAsync() is { } line && (line.Length > 0 || !lines.Exists(IsData))) lines.Add(line);
        answer.Content = new StringContent(string.Join('\n', lines) + "\n\n");
        return answer;

        static bool IsData(string line) => line.StartsWith("data:", StringComparison.Ordinal);
    }
}
