using ImageClassifier.Adapters.Embedded.Retention;

namespace ImageClassifier.Host.Hosting;

/// <summary>Looks for old data again and again.</summary>
internal sealed class RetentionService(
    EmbeddedRetention retention, TimeSpan interval, TimeProvider time, ILogger<RetentionService> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            var removed = await retention.RunOnceAsync(stoppingToken);
            if (removed != new RetentionSummary(0, 0, 0, 0)) log.LogInformation("Old data went: {Removed}", removed);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
