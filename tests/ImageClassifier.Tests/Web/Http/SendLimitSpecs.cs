using ImageClassifier.Testing;
using ImageClassifier.Web.Http;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Http;

public sealed class SendLimitSpecs : VirtualTimeSpecs
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _message = new();
    private readonly SendLimit _limit;

    public SendLimitSpecs(ITestOutputHelper output)
        : base(output) => _limit = new SendLimit(Limit, Time, _end.Token);

    [Fact]
    public async Task A_message_that_takes_too_long_is_cancelled()
    {
        var sending = _limit.LimitAsync(Message);
        await AdvanceAsync(Limit - Second, Second);
        Assert.False(_limit.Token.IsCancellationRequested);
        await AdvanceAsync(Second, Second);
        await UntilAsync(() => _limit.Token.IsCancellationRequested, "the message is cancelled");
        Assert.False(sending.IsCompleted);
    }

    [Fact]
    public async Task Silence_after_a_slow_message_and_messages_that_are_sent_at_once_have_no_limit()
    {
        var sending = _limit.LimitAsync(Message);
        await AdvanceAsync(Limit / 2, Second);
        _message.SetResult();
        await sending;
        await _limit.LimitAsync(ValueTask.CompletedTask);
        await AdvanceAsync(2 * Limit, Second);
        Assert.False(_limit.Token.IsCancellationRequested);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_has_five_more_seconds_when_the_service_stops(bool isUnderWay)
    {
        if (!isUnderWay) await _end.CancelAsync();
        var sending = _limit.LimitAsync(Message);
        if (isUnderWay) await _end.CancelAsync();
        await AdvanceAsync(4 * Second, Second);
        Assert.False(_limit.Token.IsCancellationRequested);
        await AdvanceAsync(Second, Second);
        await UntilAsync(() => _limit.Token.IsCancellationRequested, "the message is cancelled");
        Assert.False(sending.IsCompleted);
    }

    protected override void AfterAll()
    {
        _limit.Dispose();
        _end.Dispose();
        base.AfterAll();
    }

    private ValueTask Message => new(_message.Task);
}
