using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Polling;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class OutageRetriesSpecs(ITestOutputHelper output) : VirtualTimeSpecs(output)
{
    private static readonly RetryPolicy Policy = new(10, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));

    private readonly NodeHealth _health = new(maxFailures: 1, _ => { });

    /// <summary>A failure, and the number of calls that all fail with it.</summary>
    public static TheoryData<Exception, int> Failures => new()
    {
        { new IOException("The store is away."), Policy.Attempts },
        { new InsufficientMemoryException("Memory is short."), Policy.Attempts },
        { new StoreRefusedException("Access denied."), RetryPolicy.RefusedAttempts },
        { new InvalidOperationException("A fault."), 1 },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failure_decides_the_number_of_calls_and_is_thrown_in_the_end(Exception failure, int calls) =>
        Assert.Equal((calls, failure), await CallAsync(failure));

    [Fact]
    public async Task An_unhealthy_node_does_not_retry()
    {
        _health.RecordFailure();

        Exception outage = new IOException("The store is away.");
        Assert.Equal((1, outage), await CallAsync(outage));
    }

    [Fact]
    public async Task A_call_that_succeeds_after_an_outage_returns_its_result()
    {
        var calls = 0;
        var call = new OutageRetries(Policy, Time, _health).RunAsync(
            () => ++calls < 3 ? Task.FromException<int>(new IOException("The store is away.")) : Task.FromResult(7));
        await AdvanceUntilAsync(() => call.IsCompleted, "the call ended");

        Assert.Equal(7, await call);
        Assert.Equal(3, calls);
    }

    private async Task<(int Calls, Exception Failure)> CallAsync(Exception failure)
    {
        var calls = 0;
        var call = new OutageRetries(Policy, Time, _health).RunAsync(() =>
        {
            calls++;
            return Task.FromException<int>(failure);
        });
        await AdvanceUntilAsync(() => call.IsCompleted, "the call ended");
        return (calls, await Assert.ThrowsAnyAsync<Exception>(() => call));
    }
}
