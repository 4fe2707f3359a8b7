using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace ImageClassifier.Benchmarks;

/// <summary>A proxy on loopback before an emulator of AWS. It counts requests by kind.</summary>
internal sealed class CountingProxy : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(2) };
    private readonly ConcurrentDictionary<string, int> _counts = new();
    private readonly Uri _target;
    private readonly Task _serving;

    public CountingProxy(Uri target, int port)
    {
        _target = target;
        Address = new Uri($"http://127.0.0.1:{port}");
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address { get; }

    /// <summary>The requests since the last call, by kind.</summary>
    public IReadOnlyDictionary<string, int> TakeCounts()
    {
        var counts = _counts.ToDictionary();
        _counts.Clear();
        return counts;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
        _http.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception failure) when (failure is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = ForwardAsync(context);
        }
    }

    private async Task ForwardAsync(HttpListenerContext context)
    {
        _counts.AddOrUpdate(KindOf(context.Request), 1, (_, count) => count + 1);
        try
        {
            using var request = new HttpRequestMessage(
                new HttpMethod(context.Request.HttpMethod), new Uri(_target, context.Request.RawUrl));
            if (context.Request.HasEntityBody) request.Content = new StreamContent(context.Request.InputStream);
            foreach (var name in context.Request.Headers.AllKeys.OfType<string>().Where(name => name is not "Host"))
            {
                if (!request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name]))
                    request.Content?.Headers.TryAddWithoutValidation(name, context.Request.Headers[name]);
            }

            using var answer = await _http.SendAsync(request);
            context.Response.StatusCode = (int)answer.StatusCode;
            foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
            {
                if (name is not ("Content-Length" or "Transfer-Encoding" or "Connection" or "Keep-Alive"))
                    context.Response.Headers[name] = string.Join(",", values);
            }

            var body = await answer.Content.ReadAsByteArrayAsync();
            // The emulator names queues by its own address.
            if (context.Request.Headers["X-Amz-Target"] is not null)
                body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace(_target.Authority, Address.Authority, StringComparison.Ordinal));
            context.Response.ContentLength64 = body.Length;
            if (context.Request.HttpMethod != "HEAD") await context.Response.OutputStream.WriteAsync(body);
            context.Response.Close();
        }
        catch (Exception failure) when (failure is HttpRequestException or HttpListenerException or IOException
            or ObjectDisposedException or OperationCanceledException)
        {
            // One of the two sides is being stopped.
            context.Response.Abort();
        }
    }

    private static string KindOf(HttpListenerRequest request) =>
        request.Headers["X-Amz-Target"] is { } sqs ? sqs[(sqs.IndexOf('.', StringComparison.Ordinal) + 1)..]
        : request.QueryString["list-type"] is not null ? "List"
        : request.HttpMethod;
}
