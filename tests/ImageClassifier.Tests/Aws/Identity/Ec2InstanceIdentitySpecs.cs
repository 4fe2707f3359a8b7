using ImageClassifier.Adapters.Aws.Identity;
using ImageClassifier.Core.Messages;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Aws.Identity;

public sealed class Ec2InstanceIdentitySpecs : IDisposable
{
    private readonly FakeImds _imds = new();
    private readonly RecordedShutdown _shutdown = new();

    public void Dispose() => _imds.Dispose();

    [Fact]
    public async Task The_id_comes_from_the_metadata_service_by_token()
    {
        await using var identity = await StartAsync();

        Assert.Equal(FakeImds.InstanceId, identity.Id.Value);
        Assert.InRange(_imds.TokensGiven, 1, 1);
        Assert.False(identity.DrainRequested.IsCancellationRequested);
    }

    [Fact]
    public async Task An_expired_token_is_replaced()
    {
        await using var identity = await StartAsync();

        _imds.ExpireTokens();
        _imds.Notice = """{"action": "terminate", "time": "2025-03-01T12:02:00Z"}""";

        await Condition.IsCancelledAsync(identity.DrainRequested);
        Assert.Equal(2, _imds.TokensGiven);
    }

    [Fact]
    public async Task A_spot_notice_drains_the_node()
    {
        await using var identity = await StartAsync();
        await Condition.BecomesTrueAsync(
            () => Task.FromResult(_imds.NoticeRequests > 2), "several requests for notices were made");
        Assert.False(identity.DrainRequested.IsCancellationRequested);

        _imds.Notice = """{"action": "terminate", "time": "2025-03-01T12:02:00Z"}""";

        await Condition.IsCancelledAsync(identity.DrainRequested);
    }

    [Fact]
    public async Task Failed_calls_of_the_metadata_service_are_retried()
    {
        await using var identity = await StartAsync();

        _imds.IsFailing = true;
        var before = _imds.NoticeRequests;
        await Condition.BecomesTrueAsync(
            () => Task.FromResult(_imds.NoticeRequests > before + 1), "further requests for notices were made");
        Assert.False(identity.DrainRequested.IsCancellationRequested);
        _imds.Notice = """{"action": "stop", "time": "2025-03-01T12:02:00Z"}""";
        _imds.IsFailing = false;

        await Condition.IsCancelledAsync(identity.DrainRequested);
    }

    [Fact]
    public async Task Without_a_metadata_service_the_start_fails()
    {
        _imds.Dispose();

        var failure = await Assert.ThrowsAsync<IOException>(StartAsync);

        Assert.Contains("metadata service", failure.Message, StringComparison.Ordinal);
        Assert.Contains("raise the hop limit to 2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ending_the_instance_turns_the_machine_off()
    {
        await using var identity = await StartAsync();

        await identity.ReportAsync(InstanceState.Draining, default);
        Assert.Equal(0, _shutdown.Count);
        await identity.EndAsync(default);

        Assert.Equal(1, _shutdown.Count);
    }

    [Fact]
    public async Task Cancelling_the_call_does_not_stop_the_shutdown()
    {
        await using var identity = await StartAsync();

        await identity.EndAsync(new CancellationToken(canceled: true));

        Assert.Equal(1, _shutdown.Count);
    }

    private Task<Ec2InstanceIdentity> StartAsync() => Ec2InstanceIdentity.StartAsync(
        _shutdown, NullLogger<Ec2InstanceIdentity>.Instance, _imds.Url, new ImpatientTimeProvider(), default);

    private sealed class RecordedShutdown : IMachineShutdown
    {
        public int Count { get; private set; }

        public Task ShutDownAsync(CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            Count++;
            return Task.CompletedTask;
        }
    }

    /// <summary>Pauses take a hundredth of their time, so a request every five seconds becomes one every 50
    /// ms.</summary>
    private sealed class ImpatientTimeProvider : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 100 : dueTime, period);
    }
}
