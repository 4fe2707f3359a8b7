using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ImageClassifier.Tests.Web.Callbacks;

/// <summary>A receiver of callbacks: a real server on a free port.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Receiver(WebApplication app, ConcurrentQueue<ReceivedCall> calls)
    {
        _app = app;
        Calls = calls;
        Port = new Uri(app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
    }

    /// <summary>The requests so far.</summary>
    public ConcurrentQueue<ReceivedCall> Calls { get; }

    public int Port { get; }

    /// <summary>Starts a receiver.</summary>
    /// <param name="answer">Answers each request; null for 204.</param>
    public static async Task<Receiver> StartAsync(Func<HttpContext, Task>? answer = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var calls = new ConcurrentQueue<ReceivedCall>();
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            calls.Enqueue(new ReceivedCall(
                context.Request.Method, $"{context.Request.Path}{context.Request.QueryString}",
                context.Request.ContentType ?? "", context.Request.Headers.ToDictionary(
                    header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                await reader.ReadToEndAsync()));
            if (answer is null) context.Response.StatusCode = StatusCodes.Status204NoContent;
            else await answer(context);
        });
        await app.StartAsync();
        return new Receiver(app, calls);
    }

    public string Url(string path) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}{path}");

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>A request to a receiver.</summary>
internal sealed record ReceivedCall(
    string Method, string Path, string ContentType, IReadOnlyDictionary<string, string> Headers, string Body);
