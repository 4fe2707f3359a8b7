using ImageClassifier.Adapters.Embedded.Retention;

namespace ImageClassifier.Host.Hosting;

/// <summary>Deletes old data at intervals. A failure is logged and does not stop the service; the next run tries
/// again.</summary>
internal sealed class RetentionService(
    EmbeddedRetention retention, TimeSpan interval, TimeProvider time, ILogger<RetentionService> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            try
            {
                var removed = await retention.RunOnceAsync(stoppingToken);
                if (removed != new RetentionSummary(0, 0, 0, 0))
                    log.LogInformation("Old data was deleted: {Removed}", removed);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError(failure, "Deleting old data failed. The next try is in {Interval}", interval);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
