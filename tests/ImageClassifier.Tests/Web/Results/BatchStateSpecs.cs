using System.Text.Json;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Results;
using Xunit;

namespace ImageClassifier.Tests.Web.Results;

public sealed class BatchStateSpecs
{
    private readonly BatchManifest _manifest;

    public BatchStateSpecs()
    {
        var batch = BatchId.New();
        _manifest = new BatchManifest(batch, DateTimeOffset.UnixEpoch,
        [
            Accepted(batch, "a.jpg"), ManifestJob.Refuse("b.gif", new(JobErrorCodes.UnsupportedName, "No.")),
            Accepted(batch, "c.jpg"), Accepted(batch, "d.jpg"),
        ]);
    }

    [Fact]
    public void A_new_batch_has_queued_and_rejected_jobs_in_the_order_of_the_upload()
    {
        var view = new BatchState(_manifest, []).View(from: 0);
        Assert.Equal(_manifest.Jobs.Select(job => job.Job), view.Jobs.Select(job => job.JobId));
        Assert.Equal(
            [JobStatus.Queued, JobStatus.Rejected, JobStatus.Queued, JobStatus.Queued],
            view.Jobs.Select(job => job.Status));
    }

    [Fact]
    public void Results_become_events_in_order_of_arrival_and_an_end_event_follows_the_last()
    {
        var state = new BatchState(_manifest, []);
        foreach (var i in (int[])[3, 0, 2])
        {
            Assert.False(state.Finished);
            Assert.True(state.Take(Result(i)));
        }

        Assert.True(state.Finished);
        var events = state.PageAfter(null).Events;
        Assert.Equal(["d.jpg", "a.jpg", "c.jpg", null], events.Select(batchEvent => batchEvent.ReadJob()?.FileName));
        Assert.Equal([1, 2, 3, 4], events.Select(batchEvent => batchEvent.Id.Number));
        Assert.Single(events.Select(batchEvent => batchEvent.Id.Epoch).Distinct());
    }

    [Fact]
    public void The_JSON_of_an_event_is_written_once_for_all_readers()
    {
        var state = new BatchState(_manifest, []);
        state.Take(Result(0));
        var first = Assert.Single(state.PageAfter(null).Events);
        state.Take(Result(2));
        // Equal only if both are the same bytes in memory.
        Assert.Equal(first.Json, state.PageAfter(null).Events[0].Json);
        var json = JsonDocument.Parse(first.Json).RootElement;
        Assert.Equal((first.Id.ToString(), "result"), (json.GetProperty("id").GetString(), json.GetProperty("type").GetString()));
        Assert.Equal(_manifest.Jobs[0].Job.Value, json.GetProperty("job").GetProperty("jobId").GetString());
    }

    [Fact]
    public void The_first_result_of_a_job_is_kept()
    {
        var state = new BatchState(_manifest, []);
        state.Take(Result(0, "cat"));
        Assert.False(state.Take(Result(0, "dog")));
        Assert.False(state.Take(Jobs.Classified(Jobs.Request(_manifest.Batch))));
        Assert.False(state.Take(Result(1)));
        Assert.Equal("cat", Assert.Single(state.PageAfter(null).Events).ReadJob()!.Predictions![0].Label);
    }

    [Fact]
    public void A_failure_can_be_replaced_and_the_batch_then_ends_again()
    {
        var state = new BatchState(_manifest, [Result(0), Result(2), Failed(3, attempt: 1)]);
        var end = state.PageAfter(null).Events[^1].Id;
        Assert.False(state.Take(Failed(3, attempt: 1)));
        Assert.Empty(state.PageAfter(end).Events);

        Assert.True(state.Take(Failed(3, attempt: 2)));
        Assert.True(state.Take(Result(3, "dog")));
        Assert.True(state.Finished);
        Assert.Equal(
            [JobStatus.Failed, null, JobStatus.Classified, null],
            state.PageAfter(end).Events.Select(batchEvent => batchEvent.ReadJob()?.Status));
        Assert.Equal(3, state.View(from: 0).Jobs.Count(job => job.Status == JobStatus.Classified));

        Assert.False(state.Take(Failed(3, attempt: 3)));
        Assert.Equal("dog", state.View(from: 0).Jobs[3].Predictions![0].Label);
    }

    [Fact]
    public void Its_size_is_its_jobs_plus_the_events_of_redrives()
    {
        var state = new BatchState(_manifest, []);
        Assert.Equal(4, state.Size);
        foreach (var picture in (int[])[0, 2]) state.Take(Result(picture));
        for (var attempt = 1; attempt <= 3; attempt++) state.Take(Failed(3, attempt));

        Assert.Equal(8, state.PageAfter(null).Events.Count);
        Assert.Equal(7, state.Size);
    }

    [Fact]
    public void Resume_within_an_epoch_continues_and_another_epoch_replays_everything()
    {
        var state = new BatchState(_manifest, [Result(0), Result(2)]);
        var first = state.PageAfter(null).Events[0].Id;
        Assert.Equal([2], state.PageAfter(first).Events.Select(batchEvent => batchEvent.Id.Number));
        Assert.Empty(state.PageAfter(first with { Number = 2 }).Events);
        Assert.Empty(state.PageAfter(first with { Number = 100 }).Events);
        Assert.Equal(2, state.PageAfter(first with { Epoch = "another" }).Events.Count);
        Assert.Equal(2, state.PageAfter(first with { Number = 0 }).Events.Count);
        Assert.NotEqual(first.Epoch, new BatchState(_manifest, [Result(0)]).PageAfter(null).Events[0].Id.Epoch);
    }

    [Theory]
    [InlineData("abc-1", "abc", 1)]
    [InlineData("abc-0", "abc", 0)]
    [InlineData("a-b-12", "a-b", 12)]
    public void An_event_id_consists_of_an_epoch_and_a_number(string text, string epoch, int number)
    {
        Assert.True(EventId.TryParse(text, out var id));
        Assert.Equal(new EventId(epoch, number), id);
        Assert.Equal(text, id.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("abc-")]
    [InlineData("abc-x")]
    [InlineData("abc-99999999999")]
    [InlineData("abc- 1")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789-1")]
    public void Any_other_text_is_no_event_id(string? text) => Assert.False(EventId.TryParse(text, out _));

    private JobResult Result(int picture, string label = "cat") =>
        Jobs.Classified(Jobs.Request(_manifest.Batch, _manifest.Jobs[picture].Job), label);

    private JobResult Failed(int picture, int attempt) =>
        Jobs.Failed(Jobs.Request(_manifest.Batch, _manifest.Jobs[picture].Job, attempt));

    private static ManifestJob Accepted(BatchId batch, string fileName)
    {
        var job = JobId.New();
        return ManifestJob.Accept(job, fileName, ObjectKeys.Image(batch, job, PictureFormat.Jpeg));
    }
}
