using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Host.Hosting;

/// <summary>Logs the number of requests to AWS at intervals while there is work, and at the end. Each request costs
/// money.</summary>
internal sealed class AwsRequestReport(AwsRequestCounter requests, TimeProvider time, ILogger<AwsRequestReport> log)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    private ITimer? _timer;
    private long _reported;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => ReportChanges(), null, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        ReportChanges();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void ReportChanges()
    {
        var done = requests.MessagesDone;
        if (Interlocked.Exchange(ref _reported, done) == done) return;

        var sqs = requests.Of("SQS");
        log.LogInformation(
            "Requests to AWS: {Done} messages done with {Sqs} requests to SQS, {PerMessage:0.00} each; {Operations}",
            done, sqs, (double)sqs / done,
            string.Join(", ", requests.ByOperation.Select(operation => $"{operation.Key} {operation.Value}")));
    }
}
