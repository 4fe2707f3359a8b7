using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Http.Connections;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;

namespace ImageClassifier.Web.Http;

/// <summary>Configures the web tier's HTTP: limits, headers, errors, API calls and the page.</summary>
public static class WebTierPipeline
{
    // How long a request body may take to reach the minimum rate.
    private static readonly TimeSpan SlowStart = TimeSpan.FromSeconds(5);

    // Unread bytes per connection; Kestrel's default is 1 MiB. It must hold the request headers.
    private const int UnreadBytes = 64 << 10;

    /// <summary>Configures the server before it starts.</summary>
    internal static IServiceCollection AddWebTierHttp(
        this IServiceCollection services, UploadSettings uploads, EdgeSettings edge)
    {
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = uploads.MaxRequestSize;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(uploads.MinRate, SlowStart);
            kestrel.Limits.MaxConcurrentConnections = edge.MaxConnections;
            kestrel.Limits.KeepAliveTimeout = EdgeTimeouts.KeepAlive;
            kestrel.Limits.MaxRequestBufferSize = UnreadBytes;
        });
        services.Configure<SocketTransportOptions>(sockets => sockets.MaxReadBufferSize = UnreadBytes);
        services.AddSingleton(provider => new ConnectionSlots(
            edge.MaxConnections + provider.GetRequiredService<ResultSettings>().MaxSubscribers
            + ConnectionBudget.Closing));
        // Kestrel asks the last registered factory first.
        services.AddSingleton<IConnectionListenerFactory, BoundedListenerFactory>();
        services.Configure<JsonOptions>(json =>
        {
            json.SerializerOptions.DefaultIgnoreCondition = WireJson.Options.DefaultIgnoreCondition;
            foreach (var converter in WireJson.Options.Converters) json.SerializerOptions.Converters.Add(converter);
        });
        services.AddProblemDetails();
        services.AddRouting();
        return services;
    }

    /// <summary>Adds the tier's middleware and calls to the application.</summary>
    /// <param name="app">The application.</param>
    /// <param name="pageFolder">The folder with the page's files.</param>
    public static void UseWebTier(this WebApplication app, string pageFolder)
    {
        UseForwardedHeaders(app);
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = AnswerFailureAsync });
        app.UseStatusCodePages(async context => await Problems.Status(context.HttpContext.Response.StatusCode)
            .ExecuteAsync(context.HttpContext));
        app.Use(SecurityHeaders.AddAsync);
        app.Use(app.Services.GetRequiredService<StopGrace>().WatchAsync);

        var page = new PhysicalFileProvider(pageFolder);
        app.Use(new AllowedMethods(page, app).AnswerAsync);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = page });
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = page,
            ContentTypeProvider = new FileExtensionContentTypeProvider(),
            // File names contain no version, so browsers must revalidate each time.
            OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache",
        });
        var results = app.Services.GetRequiredService<ResultSettings>();
        app.Use(IncomingLimit.AddAsync);
        app.UseWebSockets(new WebSocketOptions
        {
            KeepAliveInterval = results.Heartbeat,
            KeepAliveTimeout = results.SendTimeout,
        });
        app.UseRouting();
        app.Use(app.Services.GetRequiredService<AccessGate>().GuardAsync);
        app.Use(app.Services.GetRequiredService<UploadRateLimit>().GuardAsync);
        app.Use(app.Services.GetRequiredService<ReadLimit>().GuardAsync);
        ApiCalls.Map(app);
    }

    /// <summary>Takes the caller's address and scheme from the headers of trusted proxies. In a chain of proxies, the
    /// last address that is not trusted is the caller.</summary>
    private static void UseForwardedHeaders(WebApplication app)
    {
        var trusted = app.Services.GetRequiredService<EdgeSettings>().TrustedProxies;
        if (trusted.Count == 0) return;
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto,
            ForwardLimit = null,
        };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var network in trusted) forwarded.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(forwarded);
    }

    /// <summary>Answers an unhandled exception without internal details, which go to the log. The answer says whether
    /// to try again.</summary>
    private static Task AnswerFailureAsync(HttpContext context)
    {
        var retryAfter = context.RequestServices.GetRequiredService<UploadSettings>().RetryAfter;
        var problem = context.Features.Get<IExceptionHandlerFeature>()?.Error switch
        {
            Microsoft.AspNetCore.Http.BadHttpRequestException bad => Problems.Status(bad.StatusCode),
            AskTimeoutException or QueueUnavailableException or IOException => Problems.Unavailable(retryAfter),
            _ => Problems.Status(StatusCodes.Status500InternalServerError),
        };
        return problem.ExecuteAsync(context);
    }
}
