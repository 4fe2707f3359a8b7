using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace ImageClassifier.Web.Http;

/// <summary>Aborts requests that still run some time after the service began to stop. Otherwise one slow upload could
/// take the time that the orderly shutdown needs.</summary>
internal sealed class StopGrace : IDisposable
{
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenRegistration _stopping;

    /// <summary>Starts to watch for the stop.</summary>
    public StopGrace(IHostApplicationLifetime lifetime, TimeProvider time, TimeSpan grace)
    {
        _over = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _stopping = lifetime.ApplicationStopping.Register(() => _over.CancelAfter(grace));
    }

    /// <summary>The middleware.</summary>
    public async Task WatchAsync(HttpContext context, RequestDelegate next)
    {
        await using var watch = _over.Token.Register(context.Abort);
        await next(context);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _stopping.Dispose();
        _over.Dispose();
    }
}
