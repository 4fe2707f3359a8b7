using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Http.Connections;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;

namespace ImageClassifier.Web.Http;

/// <summary>The web tier's HTTP: limits, headers, errors, the calls and the page.</summary>
public static class WebTierPipeline
{
    // How long a body may take to come to its rate.
    private static readonly TimeSpan SlowStart = TimeSpan.FromSeconds(5);

    // What a client may send on a connection before it is read; the server's own limit is 1 MiB for each. Headers have
    // to fit in.
    private const int UnreadBytes = 64 << 10;

    /// <summary>What the server must know before it starts.</summary>
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
        services.AddSingleton(provider => new ConnectionPlaces(
            edge.MaxConnections + provider.GetRequiredService<ResultSettings>().MaxSubscribers
            + ConnectionBudget.Closing));
        // The server asks the factory that was added last first.
        services.AddSingleton<IConnectionListenerFactory, BoundedListenerFactory>();
        services.Configure<JsonOptions>(json =>
        {
            json.SerializerOptions.DefaultIgnoreCondition = WireJson.Options.DefaultIgnoreCondition;
            foreach (var converter in WireJson.Options.Converters) json.SerializerOptions.Converters.Add(converter);
        });
        services.AddProblemDetails();
        services.AddRouting();
        services.AddRateLimiter(limits => limits
            .AddPolicy<string, UploadRateLimit>(UploadRateLimit.Name)
            .AddPolicy<string, ReadLimit>(ReadLimit.Name));
        return services;
    }

    /// <summary>Puts the tier's HTTP into the application.</summary>
    /// <param name="app">The application.</param>
    /// <param name="pageFolder">The folder of the page's files.</param>
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
            // Files have no version in their name, so browsers ask each time whether they changed.
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
        app.UseRateLimiter();
        MapCalls(app);
    }

    /// <summary>Where a call comes from, and whether over https, as proxies say that are known by name. All of a chain
    /// must be: the first that is not is where the call comes from.</summary>
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

    private static void MapCalls(IEndpointRouteBuilder app)
    {
        app.MapPost("/api/batches", BatchEndpoints.PostAsync).CountAsUpload();
        app.MapPost("/api/classify", (HttpRequest request, ClassifyEndpoints classify) => classify.PostAsync(request))
            .CountAsUpload();
        app.MapPost("/", (HttpRequest request, ClassifyEndpoints classify) => classify.PostForTextAsync(request))
            .CountAsUpload();
        app.MapDelete("/api/batches/{batchId}", BatchEndpoints.DeleteAsync).LogAsDeletion();
        app.MapReading("/api/fleet", FleetEndpoint.GetAsync);

        app.MapReading("/api/batches/{batchId}", BatchEndpoints.GetAsync).LetEveryoneIn().CountAsRead();
        app.MapReading("/api/batches/{batchId}/images/{jobId}", BatchEndpoints.GetImageAsync)
            .LetEveryoneIn().CountAsRead();
        app.MapReading("/api/batches/{batchId}/events",
            (string batchId, string? after, HttpContext context, EventStreamEndpoint events) =>
                events.GetAsync(batchId, after, context)).LetEveryoneIn();
        app.MapReading("/ws", (string? batch, string? after, HttpContext context, WebSocketEndpoint sockets) =>
            sockets.GetAsync(batch, after, context)).LetEveryoneIn();
        app.MapReading("/health/live", HealthEndpoints.Live).LetEveryoneIn();
        app.MapReading("/health/ready", (HttpContext context, HealthEndpoints health) => health.ReadyAsync(context))
            .LetEveryoneIn();
    }

    /// <summary>HEAD goes wherever GET does; the server leaves the body out.</summary>
    private static RouteHandlerBuilder MapReading(this IEndpointRouteBuilder app, string pattern, Delegate handler) =>
        app.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], handler);

    /// <summary>Nothing internal in errors: what failed goes to the log, and the client learns whether to come
    /// back.</summary>
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
