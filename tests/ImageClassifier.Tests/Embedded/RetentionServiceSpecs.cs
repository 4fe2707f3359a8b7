using System.Collections.Concurrent;
using ImageClassifier.Adapters.Embedded.Retention;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class RetentionServiceSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Remove();

    [Fact]
    public async Task A_failed_run_is_logged_and_is_not_the_last()
    {
        // There is no time before the first year, so the run fails with an exception that it does not expect.
        var retention = new EmbeddedRetention(
            _folder.Layout, new RetentionSettings(TimeSpan.FromDays(30)), NullLogger<EmbeddedRetention>.Instance,
            new SkewedTimeProvider(-(TimeProvider.System.GetUtcNow() - DateTimeOffset.MinValue) + TimeSpan.FromDays(1)));
        var log = new ErrorLog();
        using var service = new RetentionService(retention, TimeSpan.FromMilliseconds(1), TimeProvider.System, log);

        await service.StartAsync(default);
        await Condition.BecomesTrueAsync(() => Task.FromResult(log.Errors.Count >= 2), "two runs have failed");

        Assert.False(service.ExecuteTask!.IsFaulted);
        await service.StopAsync(default);
    }

    private sealed class ErrorLog : ILogger<RetentionService>
    {
        public ConcurrentQueue<Exception?> Errors { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error) Errors.Enqueue(exception);
        }
    }
}
