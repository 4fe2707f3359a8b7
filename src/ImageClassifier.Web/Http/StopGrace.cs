using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace ImageClassifier.Web.Http;

/// <summary>Ends requests that are still under way some time after the service was told to stop, so that one slow upload
/// does not take the time in which the rest stops in order.</summary>
internal sealed class StopGrace : IDisposable
{
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenRegistration _stopping;

    /// <summary>Begins to watch.</summary>
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
