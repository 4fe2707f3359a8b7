using System.Net;
using ImageClassifier.Core;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine.Send;
using ImageClassifier.Tests.Contracts;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Access;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ImageClassifier.Tests.CommandLine.Send;

/// <summary>A <c>send</c> that goes on where an earlier one ended.</summary>
public sealed class SendResumeSpecs : IDisposable
{
    private readonly SendRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_an_interruption_at_any_call_every_file_is_sent_and_reported_once(bool before)
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var files = Files(5);
        var pictures = 0;
        for (var cut = 0; ; cut++)
        {
            var options = SendRun.Options(tier, files) with { Resume = _run.State + cut };
            var exitCode = await InterruptedAsync(options, cut, before);
            if (exitCode == ExitCodes.Done) break;
            Assert.Equal(ExitCodes.Interrupted, exitCode);
            Assert.Contains($"send --resume {options.Resume} --json", _run.Error, StringComparison.Ordinal);

            Assert.Equal(ExitCodes.Done, await _run.RunAsync(options with { Paths = [], Server = null }));
            Assert.Equal(["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"], _run.Names);
            pictures += 5;
            Assert.Equal(pictures, Pictures(tier));
        }

        // Three uploads and three streams of results at least.
        Assert.InRange(pictures, 5 * 6, int.MaxValue);
    }

    [Fact]
    public async Task A_send_that_has_ended_sends_nothing_again_and_prints_all_again()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(3)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        var first = _run.Lines.Select(line => line.ToString()).Order(StringComparer.Ordinal);
        using var calls = new Cuts();
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options, calls));
        Assert.Equal(first, _run.Lines.Select(line => line.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(0, calls.Calls);

        // A file that was added since is sent.
        var more = _run.Write(Upload.Jpeg("more.jpg"));
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options with { Paths = [.. options.Paths, more] }));
        Assert.Equal(["0.jpg", "1.jpg", "2.jpg", "more.jpg"], _run.Names);
        Assert.Equal(4, Pictures(tier));
    }

    [Fact]
    public async Task A_file_that_changed_before_its_answer_came_is_named_and_not_sent_twice()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var files = Files(2);
        var options = SendRun.Options(tier, files) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Interrupted, await InterruptedAsync(options, call: 0, before: false));

        var content = await File.ReadAllBytesAsync(files[1]);
        await File.WriteAllBytesAsync(files[1], [.. content, 1]);
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options));
        Assert.All(_run.Lines, line => Assert.Equal(SendOutcome.ChangedAfterSending, SendRun.Text(line, "errorCode")));
        Assert.Contains($"{files[1]} changed", SendRun.Text(_run.Line("0.jpg"), "error"), StringComparison.Ordinal);
        Assert.Equal(2, Pictures(tier));

        await File.WriteAllBytesAsync(files[1], content);
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        Assert.Equal(2, Pictures(tier));
    }

    [Fact]
    public async Task A_batch_that_the_service_deleted_meanwhile_is_reported()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Interrupted, await InterruptedAsync(options, call: 1, before: true));
        var batch = tier.Keys.Single(key => key.EndsWith("/manifest.json", StringComparison.Ordinal)).Split('/')[1];
        using (var deleted = await tier.Client.DeleteAsync($"/api/batches/{batch}")) deleted.EnsureSuccessStatusCode();

        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options));
        Assert.Equal(SendOutcome.BatchGone, SendRun.Text(Assert.Single(_run.Lines), "errorCode"));
        Assert.Equal(0, Pictures(tier));
    }

    [Fact]
    public async Task Cancelled_pictures_have_failed_and_are_not_sent_again()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var options = SendRun.Options(tier, Files(2)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Interrupted, await InterruptedAsync(options, call: 1, before: true));
        var batch = tier.Keys.Single(key => key.EndsWith("/manifest.json", StringComparison.Ordinal)).Split('/')[1];
        using (var cancelled = await tier.Client.DeleteAsync($"/api/batches/{batch}?cancel=waiting"))
            cancelled.EnsureSuccessStatusCode();

        using var calls = new Cuts();
        for (var run = 0; run < 2; run++)
        {
            Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options, calls));
            Assert.Equal(2, _run.Lines.Count);
            Assert.All(_run.Lines, line =>
                Assert.Equal(("failed", "cancelled"), (SendRun.Text(line, "status"), SendRun.Text(line, "errorCode"))));
            // The results were read once, and nothing was uploaded.
            Assert.Equal(1, calls.Calls);
        }

        Assert.Equal(2, Pictures(tier));
    }

    [Fact]
    public async Task A_service_that_stays_away_ends_the_run_and_the_state_is_kept()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(3));
        using (var away = new Cuts(before: (_, _) => throw new HttpRequestException("Connection refused")))
            Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options, away));
        var state = Assert.Single(_run.StateFiles);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(state));
        Assert.Contains("Given up after several tries: Connection refused.", _run.Error, StringComparison.Ordinal);
        Assert.Contains($"To go on: image-classifier send --resume {state} --json", _run.Error, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options with { Paths = [], Server = null, Resume = state }));
        Assert.Equal(3, Pictures(tier));
    }

    [Fact]
    public async Task Another_send_cannot_use_the_same_state_file()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        var other = SendJournal.TryOpen(_run.State, TimeProvider.System)!;
        await RefusesAsync(options, "another send uses it");
        other.Close();
        Assert.DoesNotContain(_run.StateFiles, file => file.EndsWith(".lock", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_state_file_that_cannot_be_made_says_why()
    {
        await using var tier = await RunningWebTier.StartAsync();
        // Too long a name for the lock file. A read-only folder fails likewise.
        var options = SendRun.Options(tier, Files(1)) with { Resume = Path.Combine(_run.Folder, new string('x', 253)) };
        await RefusesAsync(options, "it cannot be opened");
    }

    [Fact]
    public async Task A_state_that_cannot_be_stored_ends_the_run_with_the_way_to_go_on()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        SendJournal.TryOpen(_run.State, TimeProvider.System)!.Close();
        Change("CREATE TRIGGER full BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'disk is full'); END");
        Assert.Equal(ExitCodes.SomeFailed, await _run.RunAsync(options));
        Assert.Contains("disk is full", _run.Error, StringComparison.Ordinal);
        Assert.Contains(
            "Make room on the disk. To go on: image-classifier send --resume", _run.Error, StringComparison.Ordinal);

        Change("DROP TRIGGER full");
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        Assert.Equal(1, Pictures(tier));

        void Change(string sql)
        {
            using var other = new SqliteConnection($"Data Source={_run.State};Pooling=False");
            other.Open();
            using var command = new SqliteCommand(sql, other);
            command.ExecuteNonQuery();
        }
    }

    [Fact]
    public async Task A_damaged_state_file_is_refused_with_the_remedy()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        await using (var file = File.OpenWrite(_run.State))
        {
            // The first page has only the definitions of the tables.
            file.Position = 4096;
            await file.WriteAsync(Enumerable.Repeat((byte)0xFF, (int)file.Length - 4096).ToArray());
        }

        await RefusesAsync(options, "it is damaged");
    }

    [Fact]
    public async Task A_file_of_something_else_is_refused_and_stays_as_it_was()
    {
        await using var tier = await RunningWebTier.StartAsync();
        var text = Path.Combine(_run.Folder, "my notes");
        await File.WriteAllTextAsync(text, new string('x', 5000));
        await RefusesAsync(SendRun.Options(tier, Files(1)) with { Resume = text }, "it is no state file of send");
        Assert.Equal(new string('x', 5000), await File.ReadAllTextAsync(text));
        await RefusesAsync(SendRun.Options(tier) with { Resume = _run.State }, "there is no such file");
    }

    [Fact]
    public async Task A_send_is_of_one_service_and_open_uploads_of_one_key()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Interrupted, await InterruptedAsync(options, call: 0, before: false));
        await RefusesAsync(options with { Server = "http://127.0.0.1:9" }, "goes to");
        await RefusesAsync(SendVerbSpecs.WithKey(options, ApiKey.New()), "another key");
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
    }

    [Fact]
    public async Task A_send_that_was_refused_goes_on_with_the_right_address_and_key()
    {
        var key = ApiKey.New();
        await using var tier = (await RunningWebTier.StartAsync($"access.keys.me = \"{ApiKey.SettingOf(key)}\"")).WithNode();
        var options = SendRun.Options(tier, Files(9)) with { Resume = _run.State };
        using var moved = new Cuts(before: (_, _) =>
            new HttpResponseMessage(HttpStatusCode.PermanentRedirect) { Headers = { Location = tier.Address } });
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(options with { Server = "http://pictures.example" }, moved));
        Assert.EndsWith("Nothing was sent.\n", _run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(options));
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(SendVerbSpecs.WithKey(options, ApiKey.New())));
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendVerbSpecs.WithKey(options, key)));
        Assert.Equal(9, Pictures(tier));
        Assert.Equal(9, _run.Lines.Count);
    }

    [Fact]
    public async Task A_key_that_is_revoked_meanwhile_can_be_replaced()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        _run.Limits = _run.Limits with { Uploads = 1 };
        var options = SendVerbSpecs.WithKey(SendRun.Options(tier, Files(5)) with { Resume = _run.State }, ApiKey.New());
        var uploads = 0;
        using var revoked = new Cuts(before: (_, call) => call.Method == HttpMethod.Post && uploads++ > 0
            ? new HttpResponseMessage(HttpStatusCode.Unauthorized)
            : null);
        Assert.Equal(ExitCodes.WrongUse, await _run.RunAsync(options, revoked));
        Assert.Contains("To go on: ", _run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(SendVerbSpecs.WithKey(options, ApiKey.New())));
        Assert.Equal(5, Pictures(tier));
        Assert.Equal(5, _run.Lines.Count);
    }

    [Fact]
    public async Task Once_all_uploads_are_answered_another_key_goes_on_and_is_then_the_only_one()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        var other = SendVerbSpecs.WithKey(SendRun.Options(tier, Files(2)) with { Resume = _run.State }, ApiKey.New());
        Assert.Equal(ExitCodes.Interrupted, await InterruptedAsync(other, call: 0, before: false));
        await RefusesAsync(other with { Variables = options.Variables }, "another key");
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(other));
    }

    [Fact]
    public async Task An_upload_that_waits_for_its_answer_for_days_is_repeated_with_a_warning()
    {
        await using var tier = (await RunningWebTier.StartAsync()).WithNode();
        var options = SendRun.Options(tier, Files(1)) with { Resume = _run.State };
        Assert.Equal(ExitCodes.Interrupted, await InterruptedAsync(options, call: 0, before: false));
        _run.Time = new SkewedTimeProvider(TimeSpan.FromDays(2));
        Assert.Equal(ExitCodes.Done, await _run.RunAsync(options));
        Assert.Contains("are classified again", _run.Error, StringComparison.Ordinal);
        Assert.Equal(1, Pictures(tier));
    }

    private async Task RefusesAsync(SendOptions options, string because)
    {
        var refusal = await Assert.ThrowsAsync<InvalidSettingException>(() => _run.RunAsync(options));
        Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A run that is interrupted before or after one of its calls.</summary>
    private async Task<int> InterruptedAsync(SendOptions options, int call, bool before)
    {
        using var stop = new CancellationTokenSource();
        using var cuts = new Cuts(
            (number, _) =>
            {
                if (before && number == call) stop.Cancel();
                return null;
            },
            (number, answer) =>
            {
                if (!before && number == call) stop.Cancel();
                return Task.FromResult(answer);
            });
        return await _run.RunAsync(options, cuts, stop.Token);
    }

    private string[] Files(int count) =>
        [.. Enumerable.Range(0, count).Select(i => _run.Write(Upload.Jpeg($"{i}.jpg")))];

    private static int Pictures(RunningWebTier tier) =>
        tier.Keys.Count(key => key.StartsWith(ObjectKeys.Images, StringComparison.Ordinal));
}
