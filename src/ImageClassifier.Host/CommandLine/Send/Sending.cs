using System.Threading.Channels;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Uploads the files of a journal in chunks, several at once, and collects their results meanwhile. Memory
/// holds the chunks under way, whatever the number of files.</summary>
/// <param name="journal">What was sent, and what came back.</param>
/// <param name="service">The service.</param>
/// <param name="report">Receives outcomes and progress.</param>
/// <param name="limits">The sizes and times.</param>
/// <param name="time">The clock of the retries.</param>
internal sealed class Sending(
    SendJournal journal, ServiceClient service, SendReport report, SendLimits limits, TimeProvider time)
{
    // Tells the uploads under way that no other is worth beginning.
    private volatile ServiceRefusesException? _refusal;

    /// <summary>Runs until each file has an outcome.</summary>
    /// <exception cref="ServiceAwayException">The service does not answer for long.</exception>
    /// <exception cref="ServiceRefusesException">The service refuses all uploads.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var accepted = Channel.CreateUnbounded<AcceptedChunk>();
        foreach (var chunk in journal.Unfinished()) accepted.Writer.TryWrite(chunk);
        Task[] both = [UploadAsync(accepted.Writer, stop.Token), FollowAsync(accepted.Reader, stop.Token)];
        try
        {
            // The first failure ends the other half.
            await await Task.WhenAny(both);
            await Task.WhenAll(both);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(both).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task UploadAsync(ChannelWriter<AcceptedChunk> accepted, CancellationToken cancellation)
    {
        await Parallel.ForEachAsync(Chunks(), Several(limits.Uploads, cancellation), async (chunk, stop) =>
            await DeliverUnlessRefusedAsync(chunk, accepted, stop));
        if (_refusal is { } refusal) throw refusal;
        accepted.Complete();
    }

    private Task FollowAsync(ChannelReader<AcceptedChunk> accepted, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            accepted.ReadAllAsync(cancellation), Several(limits.Batches, cancellation), async (chunk, stop) =>
                await FollowAsync(chunk, stop));

    private static ParallelOptions Several(int most, CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = most, CancellationToken = cancellation };

    /// <summary>The chunks without an answer, and then new ones, each formed when it is about to be sent.</summary>
    private IEnumerable<Chunk> Chunks()
    {
        foreach (var (unanswered, _) in journal.Unanswered())
        {
            if (_refusal is not null) yield break;
            yield return journal.Read(unanswered);
        }

        while (_refusal is null && journal.ToSend(limits.ChunkFiles) is { Count: > 0 } waiting)
        {
            if (Form(waiting) is { } chunk) yield return chunk;
        }
    }

    private Chunk? Form(IReadOnlyList<(long Id, ListedFile File)> waiting)
    {
        var files = new List<ChunkFile>();
        var rejected = new List<(long Id, SendOutcome Outcome)>();
        var leftOut = new List<long>();
        var bytes = 0L;
        foreach (var (id, file) in waiting)
        {
            switch (PictureInspection.Of(file.Path, file.InFolder))
            {
                case PictureInspection.Unusable unusable:
                    rejected.Add((id, SendOutcome.Rejected(file.Shown, unusable.Error)));
                    break;
                case PictureInspection.LeftOut:
                    leftOut.Add(id);
                    break;
                case PictureInspection.Sendable found when files.Count == 0 || bytes + found.Size <= limits.ChunkBytes:
                    files.Add(new ChunkFile(id, file.Path, file.Shown, found.Size, found.Changed));
                    bytes += found.Size;
                    continue;
                // The others wait for the next chunk.
                case PictureInspection.Sendable:
                    return Store();
            }
        }

        return Store();

        Chunk? Store()
        {
            var chunk = journal.Form(files, rejected, leftOut);
            report.LeftOut(leftOut.Count);
            foreach (var (_, outcome) in rejected) report.Rejected(outcome);
            return chunk;
        }
    }

    /// <summary>Uploads a chunk unless the service refuses all uploads. The others under way get their answers too: otherwise
    /// nobody knew whether their pictures are at the service, and they could only be sent with the same key.</summary>
    private async Task DeliverUnlessRefusedAsync(
        Chunk chunk, ChannelWriter<AcceptedChunk> accepted, CancellationToken cancellation)
    {
        try
        {
            await DeliverAsync(chunk, accepted, cancellation);
        }
        catch (ServiceRefusesException refusal) when (refusal.TookNothing)
        {
            // The run ends with it, after the others.
        }
    }

    /// <summary>Uploads a chunk until the service has answered. A repeat has the same key, so the service recognises
    /// it.</summary>
    private async Task DeliverAsync(
        Chunk chunk, ChannelWriter<AcceptedChunk> accepted, CancellationToken cancellation)
    {
        var tries = 0;
        while (true)
        {
            var (files, unusable) = Inspect(chunk);
            var answer = files.Count == 0
                ? new UploadAnswer.NothingUsable([])
                : await RetryingAsync(async stop =>
                {
                    (files, unusable) = Inspect(chunk);
                    using var upload = report.BeginUpload(files.Count, files.Sum(file => file.Size));
                    tries++;
                    try
                    {
                        var given = await service.UploadAsync(chunk.Key, files, upload.Sent, stop);
                        if (given is UploadAnswer.Accepted) upload.Complete();
                        return given;
                    }
                    catch (ServiceRefusesException refusal) when (refusal.TookNothing)
                    {
                        // Before its files can be in another chunk.
                        _refusal = refusal;
                        if (chunk.IsNew && tries == 1) journal.Withdraw(chunk);
                        throw;
                    }
                }, cancellation);
            switch (answer)
            {
                case UploadAnswer.Accepted yes:
                    Accept(chunk, yes, files, unusable);
                    accepted.TryWrite(new AcceptedChunk(chunk.Id, yes.BatchId, null));
                    return;
                case UploadAnswer.NothingUsable no:
                    Reject(chunk, [.. unusable, .. files.Zip(no.Jobs, (file, job) =>
                        (file.Id, SendOutcome.Of(file.Shown, null, job)))]);
                    return;
                case UploadAnswer.TooLarge when files.Count > 1:
                    var (first, second) = journal.Split(chunk);
                    await DeliverUnlessRefusedAsync(first, accepted, cancellation);
                    await DeliverUnlessRefusedAsync(second, accepted, cancellation);
                    return;
                case UploadAnswer.TooLarge no:
                    RejectAll(JobErrorCodes.TooLarge, no.Reason);
                    return;
                case UploadAnswer.Refused no:
                    RejectAll(SendOutcome.Refused, no.Reason);
                    return;
                case UploadAnswer.Changed:
                    ReportChanged(chunk, files);
                    return;
            }
        }

        void RejectAll(string code, string reason) => Reject(
            chunk, [.. chunk.Files.Select(file =>
                (file.Id, SendOutcome.Rejected(file.Shown, new JobError(code, reason))))]);
    }

    /// <summary>The files of a chunk as they are now, and those that cannot be read any more.</summary>
    private static (List<ChunkFile> Files, List<(long Id, SendOutcome Outcome)> Unusable) Inspect(Chunk chunk)
    {
        var files = new List<ChunkFile>();
        var unusable = new List<(long Id, SendOutcome Outcome)>();
        foreach (var file in chunk.Files)
        {
            switch (PictureInspection.Of(file.Path, inFolder: false))
            {
                case PictureInspection.Sendable found:
                    files.Add(file with { Size = found.Size, Changed = found.Changed });
                    break;
                case PictureInspection.Unusable no:
                    unusable.Add((file.Id, SendOutcome.Rejected(file.Shown, no.Error)));
                    break;
            }
        }

        return (files, unusable);
    }

    private void Accept(
        Chunk chunk, UploadAnswer.Accepted answer, IReadOnlyList<ChunkFile> files,
        IReadOnlyList<(long Id, SendOutcome Outcome)> unusable)
    {
        var jobs = new List<(long Id, string Job)>();
        var outcomes = new List<(long Id, SendOutcome Outcome)>(unusable);
        foreach (var (file, job) in files.Zip(answer.Jobs))
        {
            if (job.Status == JobStatus.Rejected)
                outcomes.Add((file.Id, SendOutcome.Of(file.Shown, null, job)));
            else jobs.Add((file.Id, job.JobId.ToString()));
        }

        journal.Accept(chunk, answer.BatchId, jobs, outcomes);
        foreach (var (_, outcome) in outcomes) report.Done(outcome);
        report.Rejected(unusable.Count);
    }

    private void Reject(Chunk chunk, IReadOnlyList<(long Id, SendOutcome Outcome)> outcomes)
    {
        journal.Accept(chunk, null, [], outcomes);
        foreach (var (_, outcome) in outcomes) report.Rejected(outcome);
    }

    /// <summary>The answer to an earlier try was lost, and the service has the chunk with other bytes. The chunk stays
    /// without an answer: sending it as a new one could classify pictures twice.</summary>
    private void ReportChanged(Chunk chunk, IReadOnlyList<ChunkFile> files)
    {
        var now = files.ToDictionary(file => file.Id);
        var changed = chunk.Files
            .Where(file => !now.TryGetValue(file.Id, out var found) || found != file)
            .Select(file => file.Shown).Take(3).ToArray();
        var names = changed.Length > 0 ? string.Join(", ", changed) : "a file sent with it";
        var error = new JobError(SendOutcome.ChangedAfterSending,
            $"It was sent, but before the answer came {names} changed, so its result cannot be found. Restore what was "
            + "there and go on with --resume, or send the file again without --resume.");
        foreach (var file in chunk.Files) report.Unsent(SendOutcome.Failed(file.Shown, error));
    }

    /// <summary>Reads the results of a batch until each file has one.</summary>
    private async Task FollowAsync(AcceptedChunk chunk, CancellationToken cancellation)
    {
        var after = chunk.After;
        while (journal.Open(chunk.Id).Count > 0)
        {
            await RetryingAsync(async stop =>
            {
                var hasNew = false;
                EventsEnd end;
                try
                {
                    end = await service.ReadEventsAsync(chunk.Batch, after, Take, stop);
                }
                catch (ServiceAwayException) when (hasNew)
                {
                    return true;
                }

                if (end == EventsEnd.Gone) FinishGone(chunk);
                else if (end is EventsEnd.Complete && journal.Open(chunk.Id).Count > 0)
                {
                    // A result that was skipped, or a job that was sent again.
                    journal.Rewind(chunk);
                    after = null;
                    if (!hasNew) throw new ServiceAwayException("it has no results for some pictures of a finished batch");
                }
                else if (end is EventsEnd.Closed && !hasNew)
                    throw new ServiceAwayException("it ended the stream of results");

                return true;

                void Take(ServiceEvent received)
                {
                    after = received.Id;
                    if (received.Job is not { } job) return;
                    var outcome = journal.Record(
                        chunk, job.JobId.ToString(), received.Id, shown => SendOutcome.Of(shown, chunk.Batch, job));
                    if (outcome is null) return;
                    hasNew = true;
                    report.Done(outcome);
                }
            }, cancellation);
        }
    }

    private void FinishGone(AcceptedChunk chunk)
    {
        var error = new JobError(SendOutcome.BatchGone,
            "The service deleted the batch before this result was read. Send the file again without --resume.");
        var outcomes = journal.Open(chunk.Id).Select(file =>
            (file.Id, Outcome: SendOutcome.Failed(file.Shown, error) with { BatchId = chunk.Batch })).ToArray();
        journal.Finish(outcomes);
        foreach (var (_, outcome) in outcomes) report.Done(outcome);
    }

    private async Task<T> RetryingAsync<T>(
        Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        var pipeline = limits.Retries.CreatePipeline(time, failed =>
        {
            if (failed.Exception is not ServiceAwayException away) return 1;
            report.Away(away.Message);
            return limits.Retries.Attempts;
        });
        return await pipeline.ExecuteAsync(async stop => await call(stop), cancellation);
    }
}
