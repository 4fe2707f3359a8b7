using System.Globalization;
using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Batches;
using ImageClassifier.Web.Repeats;
using Microsoft.Extensions.Logging;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Repeats;

/// <summary>What web nodes know of classified pictures, in memory and in the store.</summary>
public sealed class RepeatRecordsSpecs : WebSpecs
{
    private static readonly string Scope = Hash(1);
    private static readonly string Model = Hash(2);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly CapturedLog _log = new();
    private readonly ILoggerFactory _logging;
    private readonly RepeatIndex _index = new(RepeatSharing.OwnKey);
    private readonly RepeatRecords _records;

    public RepeatRecordsSpecs(ITestOutputHelper output)
        : base(output)
    {
        _logging = LoggerFactory.Create(logging => logging.AddProvider(_log));
        _records = new RepeatRecords(Store, _index, Time, _logging.CreateLogger<RepeatRecords>());
    }

    [Fact]
    public void The_index_forgets_the_oldest_pictures_beyond_its_limit()
    {
        var index = new RepeatIndex(RepeatSharing.OwnKey, capacity: 3);
        var batch = Batch([.. Enumerable.Range(0, 5)]);
        index.Add(batch);
        index.Add(batch);
        Assert.Equal(
            [false, false, true, true, true],
            batch.Pictures.Select(picture => index.Find(Scope, Model, picture.Sha256) is not null));
    }

    [Fact]
    public void The_index_finds_a_picture_by_key_and_model_and_names_its_latest_job()
    {
        var (earlier, later) = (Batch(5), Batch(5));
        foreach (var (sharing, isShared) in new[] { (RepeatSharing.OwnKey, false), (RepeatSharing.AllKeys, true) })
        {
            var index = new RepeatIndex(sharing);
            index.Add(earlier);
            index.Add(later);
            Assert.Equal(new OriginalJob(later.Batch, later.Pictures[0].Job), index.Find(Scope, Model, Picture(5)));
            Assert.Null(index.Find(Scope, Hash(3), Picture(5)));
            Assert.Null(index.Find(Scope, Model, Picture(6)));
            Assert.Equal(isShared, index.Find(Hash(3), Model, Picture(5)) is not null);
        }
    }

    [Fact]
    public async Task A_look_reads_what_is_new_and_comes_only_with_uploads()
    {
        await StoreAsync(Batch(1));
        await LookAsync();
        Assert.True(Knows(1));
        var reads = Store.CallsOf(StoreCall.Get);

        await StoreAsync(Batch(2));
        await LookAsync();
        Assert.False(Knows(2));
        var lists = Store.CallsOf(StoreCall.List);
        await AdvanceAsync(TimeSpan.FromMinutes(20), TimeSpan.FromMinutes(10));
        Assert.Equal(lists, Store.CallsOf(StoreCall.List));
        await LookAsync();
        Assert.True(Knows(2));
        Assert.Equal(reads + 1, Store.CallsOf(StoreCall.Get));
        // Both are in hours that the look lists.
        Assert.InRange(Store.CallsOf(StoreCall.List) - lists, 1, 2);

        await AdvanceAsync(RepeatRecords.LookInterval, RepeatRecords.LookInterval);
        await LookAsync();
        Assert.Equal(reads + 1, Store.CallsOf(StoreCall.Get));
    }

    [Fact]
    public async Task Web_nodes_that_looked_last_days_ago_find_the_records_of_all_days_since()
    {
        await LookAsync();
        for (var day = 0; day < 4; day++)
        {
            await AdvanceAsync(TimeSpan.FromHours(23), TimeSpan.FromHours(23));
            await StoreAsync(Batch(day));
        }

        await LookAsync();
        Assert.All(Enumerable.Range(0, 4), picture => Assert.True(Knows(picture)));
    }

    [Fact]
    public async Task The_first_look_goes_back_some_days_and_reads_the_newest_records_only()
    {
        await StoreAsync(Batch(10_000));
        await AdvanceAsync(RepeatRecords.LooksBack + TimeSpan.FromDays(1), TimeSpan.FromDays(1));
        const int more = 3;
        for (var i = 0; i < RepeatRecords.MostRead + more; i++) await StoreAsync(Batch(i));
        var newest = Store.Keys.Where(RepeatKeys.IsRecord).TakeLast(RepeatRecords.MostRead).ToHashSet();
        await LookAsync();
        Assert.False(Knows(10_000));
        Assert.Equal(RepeatRecords.MostRead, Enumerable.Range(0, RepeatRecords.MostRead + more).Count(Knows));
        Assert.Equal(RepeatRecords.MostRead, Store.CallsOf(StoreCall.Get));
        Assert.Equal(RepeatRecords.MostRead, newest.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"batches":[]}""")]
    [InlineData("""{"batches":[null]}""")]
    [InlineData("""{"batches":[{"batch":"../../etc","scope":"S","model":"M","pictures":[{"job":"J","sha256":"P"}]}]}""")]
    [InlineData("""{"batches":[{"batch":"B","model":"M","pictures":[{"job":"J","sha256":"P"}]}]}""")]
    [InlineData("""{"batches":[{"batch":"B","scope":"S","model":"latest","pictures":[{"job":"J","sha256":"P"}]}]}""")]
    [InlineData("""{"batches":[{"batch":"B","scope":"S","model":"M","pictures":[]}]}""")]
    [InlineData("""{"batches":[{"batch":"B","scope":"S","model":"M","pictures":[null]}]}""")]
    [InlineData("""{"batches":[{"batch":"B","scope":"S","model":"M","pictures":[{"job":"J","sha256":"é"}]}]}""")]
    [InlineData("""{"batches":[{"batch":1e999,"scope":"S","model":"M","pictures":[{"job":"J","sha256":"P"}]}]}""")]
    [InlineData("""{"batches":1e999}""")]
    public async Task A_damaged_record_costs_nothing_but_itself(string json)
    {
        Store.Set(RepeatKeys.NewRecord(Time.GetUtcNow()), json
            .Replace("\"B\"", $"\"{BatchId.New()}\"", StringComparison.Ordinal)
            .Replace("\"J\"", $"\"{JobId.New()}\"", StringComparison.Ordinal)
            .Replace("\"S\"", $"\"{Scope}\"", StringComparison.Ordinal)
            .Replace("\"M\"", $"\"{Model}\"", StringComparison.Ordinal)
            .Replace("\"P\"", $"\"{Picture(1)}\"", StringComparison.Ordinal));
        await StoreAsync(Batch(2));
        await LookAsync();
        Assert.True(Knows(2));
        Assert.False(Knows(1));
        Assert.Contains("damaged and ignored", Assert.Single(_log.Lines), StringComparison.Ordinal);

        await AdvanceAsync(RepeatRecords.LookInterval, RepeatRecords.LookInterval);
        var reads = Store.CallsOf(StoreCall.Get);
        await LookAsync();
        Assert.Equal(reads, Store.CallsOf(StoreCall.Get));
        Assert.Single(_log.Lines);
    }

    [Fact]
    public async Task Records_that_are_too_large_or_nested_too_deeply_or_not_ours_cost_nothing_but_themselves()
    {
        var whole = WireJson.Write(new RepeatRecord([Batch(1)]));
        Store.Set(RepeatKeys.NewRecord(Time.GetUtcNow()), whole + new string(' ', 2 << 20));
        Store.Set(RepeatKeys.NewRecord(Time.GetUtcNow()), new string('[', 100_000));
        Store.Set(RepeatKeys.NewRecord(Time.GetUtcNow()),
            WireJson.Write(new RepeatRecord([Batch([.. Enumerable.Range(1, RepeatRecord.MostPictures + 1)])])));
        // Of the far future, in another folder, and with another name.
        Store.Set(RepeatKeys.NewRecord(Time.GetUtcNow().AddYears(1)), whole);
        Store.Set($"{RepeatKeys.All}latest.json", whole);
        Store.Set($"{RepeatKeys.OfHour(Time.GetUtcNow())}latest.json", whole);
        Store.Set($"{RepeatKeys.OfHour(Time.GetUtcNow())}more/{JobId.New()}.json", whole);
        await StoreAsync(Batch(2));
        await LookAsync();
        Assert.True(Knows(2));
        Assert.False(Knows(1));
        Assert.Contains("3 records", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_that_the_store_cannot_read_does_not_hide_the_others()
    {
        var locked = await StoreAsync(Batch(1));
        await StoreAsync(Batch(2));
        Store.Before = (call, key) => call == StoreCall.Get && key == locked
            ? Task.FromException(new IOException("It cannot be read."))
            : Task.CompletedTask;
        await LookAsync();
        Assert.True(Knows(2));
    }

    [Fact]
    public async Task During_an_outage_uploads_go_on_and_the_log_says_so_once()
    {
        await StoreAsync(Batch(1));
        Store.Before = (_, _) => Task.FromException(new IOException("The store is away."));
        for (var i = 0; i < 3; i++)
        {
            await LookAsync();
            await AdvanceAsync(RepeatRecords.LookInterval, RepeatRecords.LookInterval);
        }

        Assert.Contains("repeats are classified", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Store.Before = null;
        await LookAsync();
        Assert.True(Knows(1));
        Assert.Contains("can be read again", _log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_store_delays_an_upload_by_a_second_at_most()
    {
        var held = new TaskCompletionSource();
        Store.Before = (_, _) => held.Task;
        var began = Time.GetUtcNow();
        var looking = _records.LookAsync(default);
        await AdvanceUntilAsync(() => looking.IsCompleted, "the upload goes on", Second / 4);
        await looking;
        Assert.InRange(Time.GetUtcNow() - began, TimeSpan.Zero, 2 * Second);
        held.SetResult();
    }

    [Fact]
    public async Task The_first_record_is_written_at_once_and_the_next_batches_share_one()
    {
        var actor = Start();
        actor.Tell(new RepeatsProtocol.Remember([Batch(1)]));
        await UntilAsync(() => Records().Count == 1, "the first record is written");
        foreach (var picture in new[] { 2, 3 }) actor.Tell(new RepeatsProtocol.Remember([Batch(picture)]));
        await UntilAsync(() => Knows(3), "this web node knows them");
        await AdvanceAsync(RepeatsActor.WriteInterval - Second, RepeatsActor.WriteInterval / 2);
        Assert.Single(Records());
        await AdvanceAsync(Second);
        await UntilAsync(() => Records().Count == 2, "the next record is written");
        Assert.Equal(2, Records()[1].Batches.Count);

        // Without further batches nothing is written, and the next one is written at once again.
        await AdvanceAsync(2 * RepeatsActor.WriteInterval, RepeatsActor.WriteInterval);
        Assert.Equal(2, Records().Count);
        actor.Tell(new RepeatsProtocol.Remember([Batch(4)]));
        await UntilAsync(() => Records().Count == 3, "it is written");
    }

    [Fact]
    public async Task Full_records_are_written_at_once_and_can_be_read()
    {
        const int pictures = 2 * RepeatRecord.MostPictures + 10;
        Start().Tell(new RepeatsProtocol.Remember([Batch([.. Enumerable.Range(0, pictures)])]));
        await UntilAsync(() => Records().Count == 3, "all is written");
        Assert.Equal(pictures, Records().Sum(record => record.Batches.Sum(batch => batch.Pictures.Count)));

        // The largest: each picture has a batch of its own.
        var widest = new RepeatRecord([.. Enumerable.Range(0, RepeatRecord.MostPictures).Select(picture => Batch(picture))]);
        await _records.WriteAsync(widest, default);
        await LookAsync();
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_web_node_that_stops_writes_what_waits_and_a_failed_write_is_logged()
    {
        Store.FailNext(StoreCall.Put);
        var actor = Start();
        await EventFilter.Warning(contains: "could not be stored").ExpectOneAsync(() =>
        {
            actor.Tell(new RepeatsProtocol.Remember([Batch(1)]));
            return Task.CompletedTask;
        });
        actor.Tell(new RepeatsProtocol.Remember([Batch(2)]));
        await actor.GracefulStop(RealLimit);
        await UntilAsync(() => Records().Count == 1, "the rest is written");
    }

    protected override void AfterAll()
    {
        _logging.Dispose();
        _log.Dispose();
        base.AfterAll();
    }

    private IActorRef Start() => Sys.ActorOf(Props.Create(() => new RepeatsActor(_index, _records)));

    private bool Knows(int picture) => _index.Find(Scope, Model, Picture(picture)) is not null;

    private Task LookAsync() => _records.LookAsync(default);

    private IReadOnlyList<RepeatRecord> Records() =>
        [.. Store.Keys.Where(RepeatKeys.IsRecord).Select(key => Store.DocumentAt<RepeatRecord>(key)!)];

    /// <summary>Stores a record as another web node does.</summary>
    private async Task<string> StoreAsync(RepeatableBatch batch)
    {
        var before = Store.Keys.ToHashSet();
        await _records.WriteAsync(new RepeatRecord([batch]), default);
        return Store.Keys.Single(key => !before.Contains(key));
    }

    private static RepeatableBatch Batch(params IReadOnlyList<int> pictures) => new(
        BatchId.New(), Scope, Model, [.. pictures.Select(picture => new RepeatablePicture(JobId.New(), Picture(picture)))]);

    private static string Picture(int number) => number.ToString("x64", CultureInfo.InvariantCulture);

    private static string Hash(int digit) => new($"{digit}"[0], 64);
}
