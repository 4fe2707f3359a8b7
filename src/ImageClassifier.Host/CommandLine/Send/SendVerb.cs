using System.Globalization;
using ImageClassifier.Adapters.Embedded.Sqlite;
using ImageClassifier.Core;
using Microsoft.Data.Sqlite;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>The streams and terminals of a <see cref="SendVerb"/>.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Standard output. It receives only results.</param>
/// <param name="Error">Standard error.</param>
/// <param name="Width">The width of the terminal in characters; null if the output is no terminal.</param>
/// <param name="Progress">The terminal for the progress bars; null for none.</param>
internal sealed record SendStreams(
    TextReader Input, TextWriter Output, TextWriter Error, int? Width, TextWriter? Progress);

/// <summary>The verb <c>send</c>: sends pictures to a service, and prints the results.</summary>
/// <param name="streams">The streams and terminals.</param>
/// <param name="handler">Makes the calls to the service.</param>
/// <param name="limits">The sizes and times.</param>
/// <param name="stateFolder">The folder of the state files that the user does not name.</param>
/// <param name="time">The clock.</param>
internal sealed class SendVerb(
    SendStreams streams, HttpMessageHandler handler, SendLimits limits, string stateFolder, TimeProvider time)
{
    // Services keep batches for 30 days by default, but an operator or a user can delete them sooner.
    private static readonly TimeSpan OldUpload = TimeSpan.FromDays(1);

    // Far more than the answer to a request takes.
    private const int LargestAnswer = 16 << 20;

    /// <summary>The folder for the state files that this user does not name.</summary>
    public static string DefaultStateFolder => Path.Combine(
        Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify)
            is { Length: > 0 } applications ? applications : Path.GetTempPath(),
        "image-classifier-send");

    /// <summary>Sends the files.</summary>
    /// <returns><see cref="ExitCodes.Done"/> if every picture was classified; <see cref="ExitCodes.SomeFailed"/> if one
    /// was not; <see cref="ExitCodes.Interrupted"/> if the run was cancelled; <see cref="ExitCodes.WrongUse"/> if the
    /// service refuses the uploads.</returns>
    /// <exception cref="InvalidSettingException">An option is wrong. Nothing was sent.</exception>
    public async Task<int> RunAsync(SendOptions options, CancellationToken cancellation)
    {
        if (options.Paths.Contains("")) throw new InvalidSettingException("PATH", "", "it is empty");
        var key = SendKey.Of(options, streams.Error.WriteLine);
        if (options.Paths.Count == 0 && !File.Exists(options.Resume))
        {
            throw new InvalidSettingException(
                "--resume", options.Resume, "there is no such file; give the paths too to begin a send with it");
        }

        var file = options.Resume ?? NewStateFile();
        var journal = Open(file);
        var isDone = true;
        try
        {
            var service = ServiceOf(options, journal, file, key);
            if (key is not null && service is { Scheme: "http", IsLoopback: false })
                await streams.Error.WriteLineAsync("The address begins with http:, so others can read the key on its way.");
            await WarnOfOldUploadsAsync(journal);
            if (!await ListAsync(options, journal, file, cancellation)) return ExitCodes.Interrupted;

            using var output = new CheckedOutput(OutputOf(options));
            isDone = false;
            foreach (var outcome in journal.Outcomes()) output.Print(outcome);
            (var exitCode, isDone) = await SendAsync(options, journal, file, output, service, key, cancellation);
            return exitCode;
        }
        catch (SqliteException failure) when (SqliteDatabase.IsDamaged(failure))
        {
            throw new InvalidSettingException(
                "--resume", file, $"it is damaged ({failure.Message}); move it away and send the files again", failure);
        }
        catch (OutputFailedException failure)
        {
            isDone = false;
            await WriteErrorAsync(
                $"The results cannot be written ({failure.Message.TrimEnd('.')}). Make room, or give another place. To go on: "
                + ContinueCommand(options, file));
            return ExitCodes.SomeFailed;
        }
        catch (SqliteException failure)
        {
            await WriteErrorAsync(
                $"The state of the send cannot be stored ({failure.Message.TrimEnd('.')}). Make room on the disk. "
                + (isDone ? "Nothing was sent." : $"To go on: {ContinueCommand(options, file)}"));
            return ExitCodes.SomeFailed;
        }
        finally
        {
            journal.Close();
            // Only a run that can go on needs the state.
            if (options.Resume is null && isDone) File.Delete(file);
        }
    }

    private string NewStateFile()
    {
        var now = time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        return Path.Combine(stateFolder, $"{now}-{Guid.NewGuid():N}.send");
    }

    private SendJournal Open(string file)
    {
        try
        {
            return SendJournal.TryOpen(file, time) ?? throw new InvalidSettingException(
                "--resume", file, "another send uses it; wait until that ends, or give another file");
        }
        catch (ForeignDatabaseException foreign)
        {
            throw new InvalidSettingException("--resume", file, foreign.Message, foreign);
        }
        catch (SqliteException failure) when (SqliteDatabase.IsDamaged(failure))
        {
            throw new InvalidSettingException(
                "--resume", file, "it is no state file of send, or it is damaged; give another file", failure);
        }
        catch (Exception failure) when (failure is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException("--resume", file, $"it cannot be opened ({failure.Message})", failure);
        }
    }

    /// <summary>The address of the service. A state file is of one service only, once something was sent.</summary>
    private static Uri ServiceOf(SendOptions options, SendJournal journal, string file, string? key)
    {
        var known = journal.Service;
        var given = options.Server ?? known?.Server ?? options.Variables.GetValueOrDefault(SendOptions.ServerVariable);
        var service = AddressOf(given);
        var keyHash = SendKey.HashOf(key);
        if (known is null)
        {
            journal.Begin(service.AbsoluteUri, keyHash);
            return service;
        }

        if (known.Value.Server != service.AbsoluteUri)
        {
            if (journal.HasSent)
            {
                throw new InvalidSettingException(
                    "--server", given, $"the send of {file} goes to {known.Value.Server}; leave --server out, or give "
                    + "another file");
            }

            journal.ChangeServer(service.AbsoluteUri);
        }

        if (known.Value.KeyHash != keyHash)
        {
            // A service knows a repeat by its key and by the name of the caller's API key.
            if (journal.Unanswered().Count > 0)
            {
                throw new InvalidSettingException(
                    options.KeyFile is null ? SendOptions.KeyVariable : "--key-file", InvalidSettingException.Hidden,
                    "uploads that have no answer yet were begun with another key, and would be sent twice; use that key");
            }

            journal.ChangeKey(keyHash);
        }

        return service;
    }

    /// <summary>A service knows a repeat for as long as it keeps the batch, so an old one may be a second upload.</summary>
    private async Task WarnOfOldUploadsAsync(SendJournal journal)
    {
        if (journal.Unanswered() is [var (_, since), ..] && time.GetUtcNow() - since > OldUpload)
        {
            await streams.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"Uploads of {since:yyyy-MM-dd} have no answer yet and are repeated. If the service has deleted their batch "
                + $"since, their pictures are classified again."));
        }
    }

    private static Uri AddressOf(string? given)
    {
        if (string.IsNullOrWhiteSpace(given))
        {
            throw new InvalidSettingException(
                "--server", given, "give the address of the service, such as http://127.0.0.1:5000, or set the variable "
                + SendOptions.ServerVariable);
        }

        return Uri.TryCreate(given.TrimEnd('/') + "/", UriKind.Absolute, out var address)
            && address is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "" }
            ? address
            : throw new InvalidSettingException(
                "--server", given, "it must begin with http:// or https://, and have no user, ? or #");
    }

    /// <summary>Puts the files of the arguments into the journal.</summary>
    /// <returns>False if it was interrupted.</returns>
    private async Task<bool> ListAsync(
        SendOptions options, SendJournal journal, string file, CancellationToken cancellation)
    {
        if (options.Paths.Count == 0)
        {
            return journal.IsListed ? true : throw new InvalidSettingException(
                "--resume", file, "the earlier run ended before it had listed its files; give the paths again");
        }

        var listing = new FileListing(options.Recursive, streams.Input, cancellation);
        try
        {
            await Task.Run(() => journal.Add(listing.In(options.Paths)), CancellationToken.None);
            if (listing.FoldersLeftOut is > 0 and var folders)
            {
                await streams.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"Left out {folders:N0} {(folders == 1 ? "folder" : "folders")} below the named ones. To send "
                    + $"{(folders == 1 ? "its" : "their")} pictures too, add --recursive."));
            }

            return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await streams.Error.WriteLineAsync("Interrupted while the files were listed. Nothing new was sent.");
            return false;
        }
    }

    private ISendOutput OutputOf(SendOptions options)
    {
        if (options.Json) return new JsonLines(streams.Output);
        if (options.Csv is not { } csv) return new SendTable(streams.Output, streams.Width);
        try
        {
            return new CsvFile(csv);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidSettingException("--csv", csv, $"it cannot be written ({failure.Message})", failure);
        }
    }

    private async Task<(int ExitCode, bool IsDone)> SendAsync(
        SendOptions options, SendJournal journal, string file, ISendOutput output, Uri service, string? key,
        CancellationToken cancellation)
    {
        SendReport? report = null;
        var (exitCode, ending) = (ExitCodes.Done, (string?)null);
        try
        {
            await WithDisplayAsync(async display =>
            {
                report = new SendReport(output, display, journal.Count());
                using var http = new HttpClient(handler, disposeHandler: false)
                {
                    Timeout = Timeout.InfiniteTimeSpan,
                    MaxResponseContentBufferSize = LargestAnswer,
                };
                var client = new ServiceClient(http, service, key, limits.Silence, display.Note, time);
                await new Sending(journal, client, report, limits, time).RunAsync(cancellation);
            });
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            (exitCode, ending) = (ExitCodes.Interrupted, "Interrupted.");
        }
        catch (ServiceAwayException away)
        {
            (exitCode, ending) = (ExitCodes.SomeFailed, $"Given up after several tries: {away.Message.TrimEnd('.')}.");
        }
        catch (ServiceRefusesException refusal)
        {
            (exitCode, ending) = (ExitCodes.WrongUse, refusal.Message);
        }

        output.End(journal.Outcomes());
        var counts = journal.Count();
        if (ending is not null) await WriteErrorAsync(ending);
        await WriteErrorAsync(Summary(counts, report!.NumberLeftOut));
        var isDone = counts.Done == counts.Total;
        if (!isDone && exitCode == ExitCodes.WrongUse && !journal.HasSent)
        {
            await WriteErrorAsync("Nothing was sent.");
            isDone = true;
        }

        if (!isDone) await WriteErrorAsync($"To go on: {ContinueCommand(options, file)}");
        if (exitCode == ExitCodes.Done && counts.Classified < counts.Total) exitCode = ExitCodes.SomeFailed;
        return (exitCode, isDone);
    }

    private Task WithDisplayAsync(Func<ISendDisplay, Task> work) => streams is { Progress: { } terminal }
        ? BarDisplay.RunAsync(terminal, work)
        : work(new PlainDisplay(streams.Error));

    private Task WriteErrorAsync(string line) => streams.Error.WriteLineAsync(UntrustedText.ForDisplay(line));

    private static string Summary(FileCounts counts, long leftOut)
    {
        var open = counts.Total - counts.Done;
        return string.Create(CultureInfo.InvariantCulture,
            $"{counts.Total:N0} {(counts.Total == 1 ? "file" : "files")}: {counts.Classified:N0} classified")
            + (counts.Done > counts.Classified
                ? string.Create(CultureInfo.InvariantCulture, $", {counts.Done - counts.Classified:N0} failed")
                : "")
            + (open > 0 ? string.Create(CultureInfo.InvariantCulture, $", {open:N0} without a result") : "")
            + (leftOut > 0
                ? string.Create(CultureInfo.InvariantCulture,
                    $" ({leftOut:N0} {(leftOut == 1 ? "file in folders is no picture" : "files in folders are no pictures")})")
                : "")
            + ".";
    }

    private static string ContinueCommand(SendOptions options, string file)
    {
        string[] arguments =
        [
            "--resume", Path.GetFullPath(file),
            .. options.KeyFile is { } keyFile ? ["--key-file", Path.GetFullPath(keyFile)] : Array.Empty<string>(),
            .. options.Json ? ["--json"] : Array.Empty<string>(),
            .. options.Csv is { } csv ? ["--csv", Path.GetFullPath(csv)] : Array.Empty<string>(),
        ];
        return $"image-classifier send {string.Join(' ', arguments.Select(Quoted))}";
    }

    private static string Quoted(string argument) =>
        argument.All(c => char.IsAsciiLetterOrDigit(c) || "/._-:".Contains(c, StringComparison.Ordinal))
            ? argument
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
