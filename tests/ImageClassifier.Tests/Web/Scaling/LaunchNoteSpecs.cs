using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Storage;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Web.Scaling;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Scaling;

/// <summary>A moment of a launch at which the web tier is killed.</summary>
public enum LaunchMoment
{
    BeforeTheNote,
    BeforeTheCall,
    BeforeTheAnswer,
    AfterALostAnswer,
    AfterTheAnswer,
}

/// <summary>A scaler notes its launches, so another scaler needs no wait.</summary>
public sealed class LaunchNoteSpecs : WebSpecs
{
    private const int Cap = 7;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly ScalingSettings Settings = Scaling.Settings with { MaxInstances = Cap };
    private static readonly Task Never = new TaskCompletionSource().Task;

    private readonly FakeInstanceFleet _fleet;

    public LaunchNoteSpecs(ITestOutputHelper output)
        : base(output) => _fleet = new FakeInstanceFleet(Time);

    [Fact]
    public async Task A_fresh_scaler_launches_at_once()
    {
        var start = Time.GetUtcNow();
        Upload(5);
        Start();

        await UntilAsync(() => _fleet.Living.Count == 5, "instances were launched");
        Assert.Equal(start, _fleet.Launches[0].At);
        Assert.Equal(
            new LaunchNote(_fleet.Launches[0].ClientToken, 5), Store.DocumentAt<LaunchNote>(ObjectKeys.Launch(1)));
    }

    [Theory]
    [InlineData(LaunchMoment.BeforeTheNote, false)]
    [InlineData(LaunchMoment.BeforeTheCall, false)]
    [InlineData(LaunchMoment.BeforeTheAnswer, false)]
    [InlineData(LaunchMoment.BeforeTheAnswer, true)]
    [InlineData(LaunchMoment.AfterALostAnswer, false)]
    [InlineData(LaunchMoment.AfterALostAnswer, true)]
    [InlineData(LaunchMoment.AfterTheAnswer, false)]
    [InlineData(LaunchMoment.AfterTheAnswer, true)]
    public async Task After_a_kill_at_any_moment_what_is_needed_is_launched_once(LaunchMoment moment, bool isShownAtOnce)
    {
        _fleet.ShowsLaunches = isShownAtOnce;
        Upload(5);
        await KillAtAsync(moment);
        Assert.Equal(moment is LaunchMoment.BeforeTheNote or LaunchMoment.BeforeTheCall ? 0 : 5, _fleet.Living.Count);

        var lag = 10 * Second;
        var restart = Time.GetUtcNow();
        Start(Settings with { LaunchLag = lag });
        await PassAsync(lag / 2);
        _fleet.ShowsLaunches = true;
        await PassAsync(lag);

        Assert.Equal(5, _fleet.Living.Count);
        var wait = _fleet.Launches[^1].At - restart;
        if (moment == LaunchMoment.BeforeTheNote) Assert.InRange(wait, TimeSpan.Zero, 2 * Second);
        else if (moment == LaunchMoment.BeforeTheCall) Assert.InRange(wait, lag, lag + (5 * Second));
        else Assert.Single(_fleet.Launches.Select(launch => launch.ClientToken).Distinct());
    }

    [Fact]
    public async Task Beside_launches_that_do_not_show_yet_a_later_scaler_launches_at_once_within_the_cap()
    {
        _fleet.ShowsLaunches = false;
        Upload(4);
        await KillAtAsync(LaunchMoment.AfterTheAnswer);
        Upload(2);
        var second = Start();
        await PassAsync(2 * Second);
        Assert.Equal([4, 2], _fleet.Launches.Select(launch => launch.Count));

        await KillAsync(second);
        Upload(5);
        Start();
        await PassAsync(30 * Second);
        Assert.Equal([4, 2, 1], _fleet.Launches.Select(launch => launch.Count));
    }

    [Fact]
    public async Task Of_two_scalers_at_once_only_the_one_that_knows_all_launches_can_launch()
    {
        _fleet.ShowsLaunches = false;
        var (one, other) = (Start(), Start());
        await PassAsync(6 * Second);
        Upload(5);
        one.Tell(new WorkSent(5));
        await UntilAsync(() => _fleet.Living.Count == 5, "one scaler has launched");
        await EventFilter.Warning(start: "Another scaler has launched instances meanwhile").ExpectAsync(1, async () =>
        {
            other.Tell(new WorkSent(5));
            await PassAsync(30 * Second);
        });
        Assert.Equal(5, _fleet.Living.Count);

        // Each scaler counts the launches of the other.
        Upload(1);
        other.Tell(new WorkSent(1));
        await PassAsync(10 * Second);
        Upload(1);
        one.Tell(new WorkSent(1));
        await PassAsync(10 * Second);
        Assert.Equal([5, 1, 1], _fleet.Launches.Select(launch => launch.Count));
    }

    [Fact]
    public async Task Without_a_note_nothing_is_launched()
    {
        Store.FailNext(StoreCall.PutIfAbsent, times: 2);
        Upload(5);
        var scaler = Start();
        await UntilAsync(() => Store.CallsOf(StoreCall.PutIfAbsent) == 1, "the launch is noted");
        await SettleAsync();
        Assert.Empty(_fleet.Launches);
        var held = (await ViewAsync(scaler)).Decisions[0];
        Assert.Equal((DecisionOutcome.Held, HoldCause.FailedLaunch), (held.Outcome, held.Hold));
        Assert.Contains("the store does not take the note of the launch", held.Reason, StringComparison.Ordinal);

        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
    }

    [Fact]
    public async Task A_note_whose_answer_was_lost_delays_its_scaler_by_one_pause_only()
    {
        OnFirstNote(() => Task.FromException(new IOException("The answer was lost.")));
        Upload(5);
        Start();
        await PassAsync(5 * Second);

        Assert.Equal(5, _fleet.Living.Count);
        Assert.Equal([ObjectKeys.Launch(1), ObjectKeys.Launch(2)], Store.Keys);
    }

    [Fact]
    public async Task A_note_whose_put_was_repeated_by_the_store_delays_nothing()
    {
        Store.RepeatsNextPutIfAbsent = true;
        var start = Time.GetUtcNow();
        Upload(5);
        Start();
        await UntilAsync(() => _fleet.Living.Count == 5, "the instances were launched");

        Assert.Equal(start, _fleet.Launches[0].At);
        Assert.Equal([ObjectKeys.Launch(1)], Store.Keys);
    }

    [Fact]
    public async Task A_scaler_that_has_launched_nothing_for_long_learns_of_later_launches()
    {
        Start();
        await PassAsync(Second);
        // Another scaler launches twice, and deletes the first note when it is old.
        Note(1, "first", 1);
        await AdvanceAsync(Settings.LaunchTimeout + Settings.LaunchLag, 5 * Second);
        await Store.DeleteAsync(ObjectKeys.Launch(1), CancellationToken.None);
        Note(2, "second", Cap);
        Upload(5);
        await PassAsync(10 * Second);

        Assert.Empty(_fleet.Launches);
    }

    [Fact]
    public async Task A_launch_without_an_answer_is_not_repeated_beside_a_launch_of_another_scaler()
    {
        _fleet.FailLaunches();
        Upload(5);
        Start();
        await UntilAsync(() => _fleet.Launches.Count == 1, "a launch was tried");
        await SettleAsync();
        Note(2, "other", 5);
        await PassAsync(30 * Second);
        Assert.Single(_fleet.Launches);

        // The other scaler was killed before its launch.
        await PassAsync(Settings.LaunchLag);
        Assert.Equal(5, _fleet.Living.Count);
        Assert.Single(_fleet.Launches.Select(launch => launch.ClientToken).Distinct());
    }

    [Fact]
    public async Task A_note_of_billions_of_instances_counts_as_the_cap()
    {
        Note(1, "damaged", int.MaxValue);
        Upload(5);
        var scaler = Start();
        await PassAsync(2 * Second);
        Assert.Equal(Cap, (await ViewAsync(scaler)).Decisions[0].Snapshot.Fleet.Pending);
        Assert.Empty(_fleet.Launches);

        await PassAsync(Settings.LaunchLag);
        Assert.Equal(5, _fleet.Living.Count);
    }

    [Fact]
    public async Task Notes_of_a_store_whose_clock_is_ahead_count_and_stay_no_longer()
    {
        Store.Ahead = 60 * Minute;
        Note(1, "earlier", 2);
        Upload(3);
        Start(Settings with { BootDeadline = 60 * Minute });
        await PassAsync(5 * Second);
        Assert.Equal([1], _fleet.Launches.Select(launch => launch.Count));
        await AdvanceAsync(Settings.LaunchLag, 5 * Second);
        Assert.Equal([1, 2], _fleet.Launches.Select(launch => launch.Count));

        // They come up, and have ended too long ago for the fleet to show them.
        _fleet.MoveAll(InstanceState.Running);
        _fleet.MoveAll(InstanceState.Ended);
        Requests.LoseAll("new");
        await AdvanceAsync(11 * Minute, 5 * Second);
        Upload(1);
        await PassAsync(10 * Second);
        Assert.Equal([1, 2, 1], _fleet.Launches.Select(launch => launch.Count));
        Assert.Equal([ObjectKeys.Launch(4)], Store.Keys);
    }

    [Fact]
    public async Task A_number_that_is_taken_by_an_object_of_somebody_else_is_passed_over()
    {
        const int Highest = 1_000_000_000;
        Note(Highest, "damaged", 0);
        Store.Set(ObjectKeys.Launch(Highest + 1), "not listed as a note");
        Upload(5);
        Start();
        await PassAsync(5 * Second);

        Assert.Equal(5, _fleet.Living.Count);
        Assert.NotNull(Store.DocumentAt<LaunchNote>(ObjectKeys.Launch(Highest + 2)));
    }

    [Fact]
    public async Task A_launch_whose_note_took_too_long_is_not_made()
    {
        OnFirstNote(() => Task.Delay(25 * Second, Time));
        Upload(5);
        Start();
        await PassAsync(20 * Second);
        Assert.Empty(_fleet.Launches);

        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
        Assert.Equal(
            Store.DocumentAt<LaunchNote>(ObjectKeys.Launch(2))!.ClientToken, _fleet.Launches.Single().ClientToken);
        // A later scaler does not wait for it.
        Assert.Equal(0, Store.DocumentAt<LaunchNote>(ObjectKeys.Launch(1))!.Count);
    }

    [Fact]
    public async Task While_the_notes_cannot_be_read_nothing_is_launched()
    {
        var fails = true;
        Store.Before = (_, key) => fails && key == ObjectKeys.Launches
            ? Task.FromException(new IOException("The test made the list fail."))
            : Task.CompletedTask;
        Upload(5);
        await EventFilter.Warning(start: "The notes of launches cannot be read").ExpectAsync(1, async () =>
        {
            var scaler = Start();
            await PassAsync(10 * Second);
            Assert.Equal(HoldCause.LaunchesUnknown, (await ViewAsync(scaler)).Decisions[0].Hold);
        });
        Assert.Empty(_fleet.Launches);

        fails = false;
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
    }

    [Fact]
    public async Task Notes_that_are_read_slowly_delay_no_observation()
    {
        var reading = new TaskCompletionSource();
        Store.Before = (_, key) => key == ObjectKeys.Launches ? reading.Task : Task.CompletedTask;
        Upload(5);
        var scaler = Start();
        await PassAsync(3 * Second);
        Assert.Equal(5, (await ViewAsync(scaler)).Waiting);

        reading.SetResult();
        await AdvanceUntilAsync(() => _fleet.Living.Count == 5, "the instances were launched", Second / 2);
    }

    [Fact]
    public async Task A_launch_that_fell_short_leaves_no_instances_to_wait_for()
    {
        _fleet.Capacity = 2;
        _fleet.ShowsLaunches = false;
        Upload(5);
        var scaler = Start();
        await UntilAsync(() => Store.DocumentAt<LaunchNote>(ObjectKeys.Launch(1))?.Count == 2, "the note is corrected");
        await KillAsync(scaler);

        _fleet.Capacity = Cap;
        Start();
        await PassAsync(Second);
        Assert.Equal([5, 3], _fleet.Launches.Select(launch => launch.Count));
    }

    [Fact]
    public async Task A_launch_costs_one_put_and_old_notes_are_deleted_except_the_newest()
    {
        Start(Settings with { BootDeadline = 60 * Minute });
        for (var launch = 1; launch <= 3; launch++)
        {
            Upload(1);
            await AdvanceUntilAsync(() => _fleet.Launches.Count == launch, "an instance was launched", Second);
            await AdvanceAsync(4 * Minute, 5 * Second);
        }

        Assert.Equal(3, Store.CallsOf(StoreCall.PutIfAbsent));
        Assert.Equal(0, Store.CallsOf(StoreCall.Put));
        Assert.Equal(2, Store.CallsOf(StoreCall.Delete));
        Assert.Equal([ObjectKeys.Launch(3)], Store.Keys);
    }

    [Fact]
    public async Task Old_notes_only_give_the_next_number()
    {
        Note(41, "earlier", Cap);
        Store.Set($"{ObjectKeys.Launches}notes.txt", "of somebody else");
        await AdvanceAsync(10 * Minute, Minute);
        Upload(5);
        Start();
        await UntilAsync(() => _fleet.Living.Count == 5, "the instances were launched");

        Assert.Equal(0, Store.CallsOf(StoreCall.Get));
        Assert.NotNull(Store.TextAt(ObjectKeys.Launch(42)));
    }

    [Theory]
    [InlineData("launches/0000000042.json", 42)]
    [InlineData("launches/42.json", null)]
    [InlineData("launches/-000000042.json", null)]
    [InlineData("launches/9999999999.json", null)]
    [InlineData("launches/2147483647.json", null)]
    [InlineData("launches/1000000001.json", null)]
    [InlineData("launches/1000000000.json", 1_000_000_000)]
    [InlineData("nodes/0000000042.json", null)]
    public void The_number_of_a_launch_is_in_the_key_of_its_note(string key, int? number) =>
        Assert.Equal(number, ObjectKeys.TryParseLaunch(key, out var parsed) ? parsed : null);

    /// <summary>Starts a scaler and kills it at a moment of its first launch.</summary>
    private async Task KillAtAsync(LaunchMoment moment)
    {
        var reached = new TaskCompletionSource();
        Task Hang()
        {
            reached.TrySetResult();
            return Never;
        }

        if (moment == LaunchMoment.BeforeTheNote)
            Store.Before = (call, _) => call == StoreCall.PutIfAbsent ? Hang() : Task.CompletedTask;
        if (moment == LaunchMoment.BeforeTheCall) _fleet.BeforeLaunch = Hang;
        if (moment == LaunchMoment.BeforeTheAnswer) _fleet.AfterLaunch = Hang;
        if (moment == LaunchMoment.AfterALostAnswer)
            _fleet.AfterLaunch = () => Task.FromException(new IOException("The answer was lost."));
        var scaler = Start();
        if (moment == LaunchMoment.AfterALostAnswer)
        {
            await AdvanceUntilAsync(
                () => ViewAsync(scaler).GetAwaiter().GetResult().Decisions.Any(
                    one => one.Hold == HoldCause.FailedLaunch),
                "the answer was lost", Second / 10);
        }
        else if (moment == LaunchMoment.AfterTheAnswer)
        {
            await UntilAsync(
                () => ViewAsync(scaler).GetAwaiter().GetResult().Decisions.Any(one => one.Launched > 0), "it launched");
        }
        else
        {
            await reached.Task;
        }

        await KillAsync(scaler);
        Store.Before = null;
        (_fleet.BeforeLaunch, _fleet.AfterLaunch) = (null, null);
    }

    private async Task KillAsync(IActorRef scaler)
    {
        Watch(scaler);
        Sys.Stop(scaler);
        await ExpectTerminatedAsync(scaler);
    }

    /// <summary>Stores the note of another scaler.</summary>
    private void Note(int number, string token, int count) =>
        Store.Set(ObjectKeys.Launch(number), WireJson.Write(new LaunchNote(token, count)));

    private void Upload(int pictures)
    {
        for (var i = 0; i < pictures; i++) Requests.Put("picture");
    }

    /// <summary>Delays or loses the answer to the first note.</summary>
    private void OnFirstNote(Func<Task> answer) => Store.AfterPutIfAbsent = _ =>
    {
        Store.AfterPutIfAbsent = null;
        return answer();
    };

    private IActorRef Start(ScalingSettings? settings = null)
    {
        var ofScaler = settings ?? Settings;
        return Sys.ActorOf(Props.Create(() => new ScalerActor(
            Requests, Store, _fleet, ofScaler.CreatePolicy(), ofScaler)));
    }

    private Task<FleetStatus> ViewAsync(IActorRef scaler) => AskAsync<FleetStatus>(scaler, GetFleet.Instance);

    private Task PassAsync(TimeSpan time) => AdvanceAsync(time, Second / 2);
}
