using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Streams;

/// <summary>The scheduler in real time.</summary>
public sealed class SleepingSchedulerSpecs : IAsyncLifetime
{
    // A longer wait means that the timer hangs, even on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan Never = TimeSpan.FromDays(60);

    private readonly ActorSystem _system = ActorSystem.Create("sleeping", ConfigurationFactory.ParseString(
        """akka.scheduler.implementation = "ImageClassifier.Streams.SleepingScheduler, ImageClassifier.Streams" """));

    private IAdvancedScheduler Scheduler => _system.Scheduler.Advanced;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    [Fact]
    public async Task Nothing_runs_early()
    {
        for (var delay = 1; delay <= 20; delay++)
        {
            var ran = NewSignal<TimeSpan>();
            var started = Stopwatch.StartNew();
            Scheduler.ScheduleOnce(TimeSpan.FromMilliseconds(delay), () => ran.TrySetResult(started.Elapsed));
            Assert.True(await ran.Task.WaitAsync(Limit) >= TimeSpan.FromMilliseconds(delay));
        }
    }

    [Fact]
    public async Task A_message_is_sent_once_or_repeatedly_until_it_is_cancelled()
    {
        using var inbox = Inbox.Create(_system);
        _system.Scheduler.ScheduleTellOnce(Soon, inbox.Receiver, "once", ActorRefs.NoSender);
        Assert.Equal("once", await inbox.ReceiveAsync(Limit));

        var cancelable = _system.Scheduler.ScheduleTellRepeatedlyCancelable(
            Soon, Soon, inbox.Receiver, "again", ActorRefs.NoSender);
        for (var i = 0; i < 3; i++) Assert.Equal("again", await inbox.ReceiveAsync(Limit));
        cancelable.Cancel();
    }

    [Fact]
    public async Task A_repeated_action_can_cancel_itself_and_never_overlaps_itself()
    {
        var cancelable = new Cancelable(_system.Scheduler);
        var ended = NewSignal<int>();
        var (runs, running) = (0, 0);
        Scheduler.ScheduleRepeatedly(
            TimeSpan.Zero,
            TimeSpan.FromMilliseconds(1),
            () =>
            {
                var others = Interlocked.Increment(ref running) - 1;
                Thread.SpinWait(100_000);
                if (++runs == 10 || others > 0)
                {
                    cancelable.Cancel();
                    ended.TrySetResult(others);
                }

                Interlocked.Decrement(ref running);
            },
            cancelable);
        Assert.Equal(0, await ended.Task.WaitAsync(Limit));

        // What follows on the same scheduler shows that the cancelled action does not run again.
        await PassAsync();
        Assert.Equal(10, runs);
    }

    [Fact]
    public async Task What_is_cancelled_does_not_run()
    {
        var ran = false;
        var cancelable = new Cancelable(_system.Scheduler);
        Scheduler.ScheduleOnce(Soon, () => ran = true, cancelable);
        cancelable.Cancel();
        Scheduler.ScheduleOnce(TimeSpan.Zero, () => ran = true, cancelable);
        await PassAsync();
        Assert.False(ran);
    }

    [Fact]
    public async Task A_repeated_action_that_throws_is_not_run_again_and_other_timers_go_on()
    {
        var runs = 0;
        Scheduler.ScheduleRepeatedly(TimeSpan.Zero, TimeSpan.FromMilliseconds(1), () =>
        {
            runs++;
            throw new InvalidOperationException("a defect");
        });
        await PassAsync();
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task A_delay_longer_than_a_timer_can_wait_is_accepted_and_a_terminated_system_accepts_none()
    {
        Scheduler.ScheduleOnce(Never, () => { });
        await _system.Terminate();
        Assert.Throws<SchedulerException>(() => Scheduler.ScheduleOnce(Soon, () => { }));
    }

    /// <summary>Waits until everything that was due soon has run.</summary>
    private async Task PassAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            var passed = NewSignal<bool>();
            Scheduler.ScheduleOnce(4 * Soon, () => passed.TrySetResult(true));
            await passed.Task.WaitAsync(Limit);
        }
    }

    private static TaskCompletionSource<T> NewSignal<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
