using System.Net;

namespace ImageClassifier.Tests.CommandLine.Send;

/// <summary>Calls a function before and after each call to a service.</summary>
/// <param name="before">Gets the number of the call, from 0, and the request. May answer in place of the service.</param>
/// <param name="after">Gets the number of the call, and the answer. May replace it.</param>
internal sealed class Cuts(
    Func<int, HttpRequestMessage, HttpResponseMessage?>? before = null,
    Func<int, HttpResponseMessage, Task<HttpResponseMessage>>? after = null) : DelegatingHandler
{
    private int _calls;

    public int Calls => _calls;

    /// <summary>An answer with a time to retry.</summary>
    public static HttpResponseMessage Later(HttpStatusCode status, int seconds)
    {
        var answer = new HttpResponseMessage(status) { Content = new StringContent("""{"title":"Too many uploads."}""") };
        answer.Headers.TryAddWithoutValidation("Retry-After", $"{seconds}");
        return answer;
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var call = Interlocked.Increment(ref _calls) - 1;
        if (before?.Invoke(call, request) is { } answer) return answer;
        cancellationToken.ThrowIfCancellationRequested();
        answer = await base.SendAsync(request, cancellationToken);
        return after is null ? answer : await after(call, answer);
    }
}

/// <summary>Time that jumps over every pause. Pauses of an hour and more never end.</summary>
internal sealed class JumpingTime : TimeProvider
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private long _ticks = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow() => new(GetTimestamp(), TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.Zero || dueTime >= Longest)
            return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
        Interlocked.Add(ref _ticks, dueTime.Ticks);
        return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
