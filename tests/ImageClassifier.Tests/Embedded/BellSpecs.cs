using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Tests.Contracts;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class BellSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("image-classifier-").FullName;

    [Fact]
    public async Task A_ring_of_another_process_wakes_a_waiter()
    {
        using var waiting = NewBell();
        await Condition.BecomesTrueAsync(() => HearsAsync(waiting), "the bell is heard");
        using var ringing = NewBell();
        var ring = waiting.NextRing();
        ringing.Ring();
        await ring.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Waiters_poll_often_until_the_bell_is_heard_and_then_seldom()
    {
        using var bell = NewBell();
        Assert.Equal(TimeSpan.FromMilliseconds(250), bell.PollInterval);
        // Waiting makes the bell ring once, so that an idle service learns soon that it hears.
        await Condition.BecomesTrueAsync(() => HearsAsync(bell), "the bell is heard");
    }

    [Fact]
    public void Without_a_place_for_the_bell_waiters_poll_often()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        using var bell = new Bell(Path.Combine(file, "queue.bell"));
        Assert.False(bell.NextRing().IsCompleted);
        Assert.Equal(TimeSpan.FromMilliseconds(250), bell.PollInterval);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Task<bool> HearsAsync(Bell bell)
    {
        _ = bell.NextRing();
        return Task.FromResult(bell.PollInterval == TimeSpan.FromSeconds(2));
    }

    private Bell NewBell() => new(Path.Combine(_folder, "queue.bell"));
}
