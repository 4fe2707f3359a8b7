using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class ProcessFleetSpecs : IAsyncLifetime
{
    private const string ChildThatWritesItsProcessId = "echo $$ > \"$3/$5.pid\"; exec sleep 300";
    private const string ChildThatEndsOnRequest = "while [ ! -e \"$3/stop\" ]; do sleep 0.05; done";

    private readonly TemporaryFolder _folder = new();
    private readonly List<ProcessFleet> _fleets = [];
    private readonly List<ProcessInstanceIdentity> _identities = [];
    private readonly RecordingLogger _log = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var identity in _identities) await identity.DisposeAsync();
        foreach (var fleet in _fleets)
        {
            await fleet.StopAsync(new CancellationToken(canceled: true));
            await fleet.DisposeAsync();
        }

        _folder.Remove();
    }

    [SkippableFact]
    public async Task A_child_gets_the_command_line_of_a_node()
    {
        var fleet = Fleet("echo \"$@\" > \"$3/arguments\"");
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        await IsInStateAsync(fleet, launched, InstanceState.Ended);

        Assert.Matches("^node-[0-9a-f]{12}$", launched.Value);
        Assert.Equal(
            $"node --data {_folder.Path} --instance {launched}\n",
            await File.ReadAllTextAsync(_folder.File("arguments")));
    }

    [SkippableFact]
    public async Task The_output_of_a_child_is_logged_with_its_id()
    {
        var fleet = Fleet("echo to output; echo to errors >&2; exit 3");
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);

        await Condition.BecomesTrueAsync(() => Task.FromResult(_log.Lines.Count == 2), "both lines are logged");
        Assert.Equal(
            [$"Warning {launched}: to errors", $"Warning {launched}: to output"], _log.Lines.Order());
    }

    [SkippableFact]
    public async Task A_child_that_exits_before_it_came_up_has_ended()
    {
        var fleet = Fleet("exit 3");
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);

        await IsInStateAsync(fleet, launched, InstanceState.Ended);

        var seen = Assert.Single(await fleet.DescribeAsync(default));
        Assert.Null(seen.RunningAt);
        Assert.True(seen.EndedAt >= seen.LaunchedAt);
    }

    [SkippableFact]
    public async Task The_problem_of_a_failed_child_is_its_exit_code_and_last_error_lines()
    {
        var fleet = Fleet(
            "echo progress; echo first >&2; echo 'image-classifier: there is no model' >&2; "
            + "echo '   at Some.Method()' >&2; exit 2");
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);

        await ProblemIsAsync(
            fleet, launched, "The app node ended with exit code 2: first image-classifier: there is no model");
    }

    [SkippableFact]
    public async Task The_problem_of_a_child_names_the_signal_that_ended_it()
    {
        var fleet = Fleet("kill -9 $$");
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);

        await ProblemIsAsync(fleet, launched, "The app node was ended by signal 9.");
    }

    [SkippableFact]
    public async Task A_child_that_ends_in_order_or_was_terminated_has_no_problem()
    {
        var fleet = Fleet("[ -e \"$3/quick\" ] && exit 0; touch \"$3/quick\"; exec sleep 300");
        var killed = Assert.Single((await fleet.LaunchAsync(1, "one", default)).Launched);
        await Condition.BecomesTrueAsync(() => Task.FromResult(File.Exists(_folder.File("quick"))), "it sleeps");
        var ended = Assert.Single((await fleet.LaunchAsync(1, "two", default)).Launched);
        await fleet.TerminateAsync([killed], default);
        await IsInStateAsync(fleet, killed, InstanceState.Ended);
        await IsInStateAsync(fleet, ended, InstanceState.Ended);

        Assert.All(await fleet.DescribeAsync(default), instance => Assert.Null(instance.Problem));
    }

    [SkippableFact]
    public async Task One_instance_can_be_asked_to_drain_alone()
    {
        var fleet = Fleet(TestFleet.SleepingChild);
        var one = await IdentityAsync(InstanceId.Parse("one"));
        var two = await IdentityAsync(InstanceId.Parse("two"));
        await fleet.RequestDrainAsync([one.Id], default);

        await Condition.BecomesTrueAsync(
            () => Task.FromResult(one.DrainRequested.IsCancellationRequested), "it drains");
        Assert.False(two.DrainRequested.IsCancellationRequested);
    }

    [SkippableFact]
    public async Task A_child_that_does_not_come_up_in_time_is_killed()
    {
        var fleet = Fleet(ChildThatWritesItsProcessId, bootTimeout: TimeSpan.FromSeconds(1));
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var process = await ProcessOfAsync(launched);

        await IsInStateAsync(fleet, launched, InstanceState.Ended);

        Assert.False(IsAlive(process));
    }

    [SkippableFact]
    public async Task A_missing_program_launches_nothing_and_is_not_named_to_clients()
    {
        var fleet = new ProcessFleet(
            _folder.Layout, SettingsFor(_folder.File("no-such-program")), NullLogger<ProcessFleet>.Instance);
        _fleets.Add(fleet);

        var launch = await fleet.LaunchAsync(2, "token", default);

        Assert.Empty(launch.Launched);
        Assert.Equal("The system cannot start a process.", launch.Shortfall);
        Assert.Empty(await fleet.DescribeAsync(default));
    }

    // If the launcher is killed at this moment, the table keeps what other processes see of it now.
    [SkippableFact]
    public async Task A_launcher_killed_before_the_start_leaves_no_booting_instance()
    {
        var others = Fleet(TestFleet.SleepingChild);
        Assert.Empty(await others.DescribeAsync(default));
        IReadOnlyList<FleetInstance>? left = null;
        var log = new RecordingLogger { OnLine = () => left = others.DescribeAsync(default).GetAwaiter().GetResult() };
        var fleet = new ProcessFleet(_folder.Layout, SettingsFor(_folder.File("no-such-program")), log);
        _fleets.Add(fleet);

        await fleet.LaunchAsync(1, "token", default);

        Assert.Empty(left!);
    }

    [SkippableFact]
    public async Task A_fleet_follows_the_life_of_an_instance()
    {
        var fleet = Fleet(TestFleet.SleepingChild);
        var id = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var identity = await IdentityAsync(id);
        Assert.Equal(InstanceState.Pending, await StateAsync(fleet, id));

        await identity.ReportAsync(InstanceState.Running, default);
        var running = Assert.Single(await fleet.DescribeAsync(default));
        Assert.Equal(InstanceState.Running, running.State);
        Assert.True(running.RunningAt >= running.LaunchedAt);

        await identity.ReportAsync(InstanceState.Running, default);
        await identity.ReportAsync(InstanceState.Draining, default);
        await identity.ReportAsync(InstanceState.Running, default);
        var draining = Assert.Single(await fleet.DescribeAsync(default));
        Assert.Equal(running with { State = InstanceState.Draining }, draining);

        await identity.EndAsync(default);
        var ended = Assert.Single(await fleet.DescribeAsync(default));
        Assert.Equal(draining with { State = InstanceState.Ended, EndedAt = ended.EndedAt }, ended);
        Assert.NotNull(ended.EndedAt);
    }

    [SkippableFact]
    public async Task A_node_that_was_started_by_hand_is_listed()
    {
        var identity = await IdentityAsync(InstanceId.Parse("by-hand"));
        await identity.ReportAsync(InstanceState.Running, default);

        var seen = Assert.Single(await Fleet(TestFleet.SleepingChild).DescribeAsync(default));

        Assert.Equal((identity.Id, InstanceState.Running), (seen.Id, seen.State));
    }

    [SkippableFact]
    public async Task A_killed_node_has_ended_even_for_a_restarted_web_tier()
    {
        var killed = await IdentityAsync(InstanceId.Parse("killed"));
        var crashedEarly = await IdentityAsync(InstanceId.Parse("crashed-early"));
        var alive = await IdentityAsync(InstanceId.Parse("alive"));
        await killed.ReportAsync(InstanceState.Running, default);
        await alive.ReportAsync(InstanceState.Running, default);

        // The fleet takes a free lock for a process that has ended.
        await killed.DisposeAsync();
        await crashedEarly.DisposeAsync();

        var fleet = Fleet(TestFleet.SleepingChild);
        var states = (await fleet.DescribeAsync(default)).ToDictionary(seen => seen.Id, seen => seen.State);
        Assert.Equal(InstanceState.Ended, states[killed.Id]);
        Assert.Equal(InstanceState.Ended, states[crashedEarly.Id]);
        Assert.Equal(InstanceState.Running, states[alive.Id]);
    }

    [SkippableFact]
    public async Task Children_outlive_a_fleet_that_is_not_stopped()
    {
        var fleet = Fleet(ChildThatWritesItsProcessId);
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var process = await ProcessOfAsync(launched);

        await fleet.DisposeAsync();
        _fleets.Remove(fleet);

        Assert.True(IsAlive(process));
        Process.GetProcessById(process).Kill();
    }

    [SkippableFact]
    public async Task A_request_to_drain_reaches_the_instances_at_once()
    {
        var fleet = Fleet(TestFleet.SleepingChild);
        var identity = await IdentityAsync(InstanceId.Parse("node-1"), new FrozenTimeProvider());
        Assert.False(identity.DrainRequested.IsCancellationRequested);

        await Condition.BecomesTrueAsync(
            async () =>
            {
                await fleet.RequestDrainAsync(default);
                return identity.DrainRequested.IsCancellationRequested;
            },
            "the bell wakes the instance where time stands still");
        Assert.False(identity.TerminateRequested.IsCancellationRequested);
    }

    [SkippableFact]
    public async Task A_late_instance_sees_earlier_requests()
    {
        var fleet = Fleet(TestFleet.SleepingChild);
        var id = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        await fleet.RequestDrainAsync(default);

        var identity = await IdentityAsync(id);

        Assert.True(identity.DrainRequested.IsCancellationRequested);
        Assert.False(identity.TerminateRequested.IsCancellationRequested);
    }

    [SkippableFact]
    public async Task A_reused_id_starts_without_earlier_requests()
    {
        var fleet = Fleet(TestFleet.SleepingChild);
        var first = await IdentityAsync(InstanceId.Parse("by-hand"));
        await first.ReportAsync(InstanceState.Running, default);
        await fleet.RequestDrainAsync(default);
        await first.EndAsync(default);
        await first.DisposeAsync();

        var second = await IdentityAsync(first.Id);

        Assert.False(second.DrainRequested.IsCancellationRequested);
        var seen = Assert.Single(await fleet.DescribeAsync(default));
        Assert.Equal((InstanceState.Pending, null, null), (seen.State, seen.RunningAt, seen.EndedAt));
    }

    [SkippableFact]
    public async Task A_terminated_node_finishes_its_messages()
    {
        var time = new MovableTime();
        var fleet = Fleet(ChildThatWritesItsProcessId, time: time);
        var id = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var process = await ProcessOfAsync(id);
        var identity = await IdentityAsync(id);
        await identity.ReportAsync(InstanceState.Running, default);

        await fleet.TerminateAsync([id], default);
        await Condition.IsCancelledAsync(identity.DrainRequested);
        time.Pass(TimeSpan.FromSeconds(20));
        // The scaler repeats its request, which must neither lengthen nor shorten the time.
        await fleet.TerminateAsync([id], default);
        Assert.Equal(InstanceState.Running, await StateAsync(fleet, id));

        Assert.True(IsAlive(process));
        Assert.False(identity.TerminateRequested.IsCancellationRequested);
        await identity.EndAsync(default);
        Assert.Equal(InstanceState.Ended, await StateAsync(fleet, id));
        Assert.Empty(_log.Lines);
    }

    [SkippableFact]
    public async Task A_node_that_does_not_drain_in_time_is_killed()
    {
        var time = new MovableTime();
        var fleet = Fleet(ChildThatWritesItsProcessId, time: time);
        var id = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var process = await ProcessOfAsync(id);
        var identity = await IdentityAsync(id);
        await identity.ReportAsync(InstanceState.Running, default);

        await fleet.TerminateAsync([id], default);
        time.Pass(TimeSpan.FromSeconds(25));
        Assert.Equal(InstanceState.Ended, await StateAsync(fleet, id));

        Assert.False(IsAlive(process));
        Assert.Contains("did not drain in time", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_node_of_an_earlier_web_tier_is_asked_to_drain_and_then_to_terminate()
    {
        var time = new MovableTime();
        var identity = await IdentityAsync(InstanceId.Parse("earlier"));
        await identity.ReportAsync(InstanceState.Running, default);
        var fleet = Fleet(TestFleet.SleepingChild, time: time);

        await fleet.TerminateAsync([identity.Id], default);
        await Condition.IsCancelledAsync(identity.DrainRequested);
        Assert.False(identity.TerminateRequested.IsCancellationRequested);
        time.Pass(TimeSpan.FromSeconds(25));
        await fleet.DescribeAsync(default);

        await Condition.IsCancelledAsync(identity.TerminateRequested);
    }

    [SkippableFact]
    public async Task The_boot_time_does_not_depend_on_the_wall_clock()
    {
        var time = new MovableTime();
        var fleet = Fleet(ChildThatWritesItsProcessId, bootTimeout: TimeSpan.FromMinutes(1), time: time);
        var id = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var process = await ProcessOfAsync(id);

        time.SetWallClock(TimeSpan.FromHours(7));
        Assert.Equal(InstanceState.Pending, await StateAsync(fleet, id));
        time.SetWallClock(TimeSpan.FromHours(-14));
        time.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(InstanceState.Ended, await StateAsync(fleet, id));

        Assert.False(IsAlive(process));
    }

    [SkippableFact]
    public async Task A_child_gets_the_variables_that_it_needs_and_no_secret()
    {
        string[] secrets = ["DATABASE_PASSWORD", "STRIPE_TOKEN", "IMAGE_CLASSIFIER__ACCESS__KEYS__ME", "MY_OWN"];
        foreach (var name in secrets) Environment.SetEnvironmentVariable(name, "secret");
        Environment.SetEnvironmentVariable("IMAGE_CLASSIFIER__NODE__POLLING__MAX_IN_FLIGHT", "21");
        try
        {
            var fleet = Fleet("env > \"$3/variables\"");
            var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
            await IsInStateAsync(fleet, launched, InstanceState.Ended);

            var variables = await File.ReadAllLinesAsync(_folder.File("variables"));
            Assert.DoesNotContain(variables, line => line.Contains("secret", StringComparison.Ordinal));
            Assert.Contains("IMAGE_CLASSIFIER__NODE__POLLING__MAX_IN_FLIGHT=21", variables);
            Assert.Contains(variables, line => line.StartsWith("PATH=", StringComparison.Ordinal));
        }
        finally
        {
            foreach (var name in secrets) Environment.SetEnvironmentVariable(name, null);
            Environment.SetEnvironmentVariable("IMAGE_CLASSIFIER__NODE__POLLING__MAX_IN_FLIGHT", null);
        }
    }

    [Theory]
    [InlineData("PATH", false, true)]
    [InlineData("LC_ALL", false, true)]
    [InlineData("DOTNET_GCHeapHardLimit", false, true)]
    [InlineData("DOTNET_SOME_TOKEN", false, false)]
    [InlineData("IMAGE_CLASSIFIER__ACCESS__KEYS__ME", true, false)]
    [InlineData("IMAGE_CLASSIFIER__CALLBACKS__SECRETS__ME", true, false)]
    [InlineData("IMAGE_CLASSIFIER__WEB__CLUSTER__CERTIFICATE_KEY", true, false)]
    [InlineData("AWS_SECRET_ACCESS_KEY", false, false)]
    [InlineData("AWS_SECRET_ACCESS_KEY", true, true)]
    [InlineData("https_proxy", true, true)]
    [InlineData("https_proxy", false, false)]
    [InlineData("ConnectionStrings__Orders", true, false)]
    public void A_variable_passes_if_a_node_needs_it(string name, bool onAws, bool passes) =>
        Assert.Equal(passes, NodeEnvironment.Passes(name, onAws));

    [SkippableFact]
    public async Task A_node_that_comes_up_after_it_was_given_up_must_terminate()
    {
        var id = Assert.Single((await Fleet(TestFleet.SleepingChild).LaunchAsync(1, "token", default)).Launched);
        // This fleet is not the parent of the child, so it has no process to kill.
        var restarted = Fleet(TestFleet.SleepingChild);
        await restarted.TerminateAsync([id], default);
        Assert.Equal(InstanceState.Ended, await StateAsync(restarted, id));

        var identity = await IdentityAsync(id);

        Assert.True(identity.TerminateRequested.IsCancellationRequested);
    }

    [SkippableFact]
    public async Task Two_live_nodes_cannot_have_one_name()
    {
        var first = await IdentityAsync(InstanceId.Parse("node-1"));

        var refusal = await Assert.ThrowsAsync<InvalidSettingException>(() => IdentityAsync(first.Id));

        Assert.Equal("--instance", refusal.Key);
        Assert.Contains("node-1", refusal.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Checking_a_lock_does_not_prevent_a_node_from_starting()
    {
        var ids = Enumerable.Range(0, 20).Select(i => InstanceId.Parse($"node-{i}")).ToArray();
        using var done = new CancellationTokenSource();
        var looking = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                foreach (var id in ids) ExclusiveFileLock.IsFree(_folder.Layout.InstanceLock(id));
            }
        });

        foreach (var id in ids) await IdentityAsync(id);

        await done.CancelAsync();
        await looking;
        Assert.All(ids, id => Assert.False(ExclusiveFileLock.IsFree(_folder.Layout.InstanceLock(id))));
    }

    [SkippableFact]
    public async Task Stopping_drains_every_node_and_kills_none_that_drains()
    {
        var fleet = Fleet(ChildThatEndsOnRequest, log: _log);
        var own = await IdentityAsync(Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched));
        var earlier = await IdentityAsync(InstanceId.Parse("earlier"));
        var draining = new[] { own, earlier }.Select(async identity =>
        {
            await identity.ReportAsync(InstanceState.Running, default);
            await Condition.IsCancelledAsync(identity.DrainRequested);
            await identity.ReportAsync(InstanceState.Draining, default);
            await identity.EndAsync(default);
            await File.WriteAllTextAsync(_folder.File("stop"), "");
            await identity.DisposeAsync();
        }).ToArray();

        await fleet.StopAsync(default);

        Assert.All(draining, node => Assert.True(node.IsCompleted || node.Wait(TimeSpan.FromSeconds(5))));
        await Task.WhenAll(draining);
        Assert.Empty(_log.Lines);
        Assert.All(await fleet.DescribeAsync(default), seen => Assert.Equal(InstanceState.Ended, seen.State));
        Assert.Equal("The fleet is stopping.", (await fleet.LaunchAsync(1, "token-2", default)).Shortfall);
    }

    [SkippableFact]
    public async Task Stopping_kills_nodes_that_do_not_drain_in_time()
    {
        var fleet = Fleet(ChildThatWritesItsProcessId, drainTimeout: TimeSpan.FromMilliseconds(100), log: _log);
        var launched = (await fleet.LaunchAsync(2, "token", default)).Launched;
        var processes = await Task.WhenAll(launched.Select(ProcessOfAsync));

        await fleet.StopAsync(default);

        Assert.DoesNotContain(processes, IsAlive);
        Assert.Contains("did not drain in time", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Stopping_in_a_hurry_does_not_wait_for_the_drain()
    {
        var fleet = Fleet(ChildThatWritesItsProcessId, drainTimeout: TimeSpan.FromMinutes(30));
        var launched = Assert.Single((await fleet.LaunchAsync(1, "token", default)).Launched);
        var process = await ProcessOfAsync(launched);

        await fleet.StopAsync(new CancellationToken(canceled: true));

        Assert.False(IsAlive(process));
    }

    private static Task ProblemIsAsync(ProcessFleet fleet, InstanceId id, string problem) =>
        Condition.BecomesTrueAsync(
            async () => (await fleet.DescribeAsync(default)).Single(seen => seen.Id == id).Problem == problem,
            $"{id} says: {problem}");

    private ProcessFleet Fleet(
        string script, TimeSpan? bootTimeout = null, TimeSpan? drainTimeout = null, RecordingLogger? log = null,
        TimeProvider? time = null)
    {
        var fleet = TestFleet.Open(_folder.Layout, script, bootTimeout, drainTimeout, log ?? _log, time);
        _fleets.Add(fleet);
        return fleet;
    }

    private static ProcessFleetSettings SettingsFor(string program) =>
        new(new NodeCommand(program, [], [])) { DrainTimeout = TimeSpan.Zero };

    private async Task<ProcessInstanceIdentity> IdentityAsync(InstanceId id, TimeProvider? time = null)
    {
        var identity = await ProcessInstanceIdentity.StartAsync(_folder.Layout, id, time, default);
        _identities.Add(identity);
        return identity;
    }

    private static async Task<InstanceState> StateAsync(ProcessFleet fleet, InstanceId id) =>
        (await fleet.DescribeAsync(default)).Single(seen => seen.Id == id).State;

    private static Task IsInStateAsync(ProcessFleet fleet, InstanceId id, InstanceState state) =>
        Condition.BecomesTrueAsync(async () => await StateAsync(fleet, id) == state, $"{id} is {state}");

    private async Task<int> ProcessOfAsync(InstanceId id)
    {
        var file = _folder.File($"{id}.pid");
        var text = "";
        await Condition.BecomesTrueAsync(
            async () =>
            {
                text = File.Exists(file) ? await File.ReadAllTextAsync(file) : "";
                return text.EndsWith('\n');
            },
            "the child tells its process id");
        return int.Parse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private sealed class RecordingLogger : ILogger<ProcessFleet>
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public Action? OnLine { get; init; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            Lines.Enqueue($"{logLevel} {formatter(state, exception)}");
            OnLine?.Invoke();
        }
    }
}
