using Akka.Actor;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;

namespace ImageClassifier.Web.Http;

/// <summary>The web tier's HTTP: limits, headers, errors, the calls and the page.</summary>
public static class WebTierPipeline
{
    private const string ContentSecurityPolicy =
        "default-src 'self'; img-src 'self' blob:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
        + "form-action 'self'; frame-ancestors 'none'";

    /// <summary>What the server must know before it starts.</summary>
    internal static IServiceCollection AddWebTierHttp(this IServiceCollection services, long maxRequestSize)
    {
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = maxRequestSize;
        });
        services.Configure<JsonOptions>(json =>
        {
            json.SerializerOptions.DefaultIgnoreCondition = WireJson.Options.DefaultIgnoreCondition;
            foreach (var converter in WireJson.Options.Converters) json.SerializerOptions.Converters.Add(converter);
        });
        services.AddProblemDetails();
        services.AddRouting();
        return services;
    }

    /// <summary>Puts the tier's HTTP into the application.</summary>
    /// <param name="app">The application.</param>
    /// <param name="pageFolder">The folder of the page's files.</param>
    public static void UseWebTier(this WebApplication app, string pageFolder)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = AnswerFailureAsync });
        app.UseStatusCodePages(async context => await Problems.Status(context.HttpContext.Response.StatusCode)
            .ExecuteAsync(context.HttpContext));
        app.Use(AddSecurityHeadersAsync);
        app.Use(app.Services.GetRequiredService<StopGrace>().WatchAsync);

        var page = new PhysicalFileProvider(pageFolder);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = page });
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = page,
            ContentTypeProvider = new FileExtensionContentTypeProvider(),
            // Files have no version in their name, so browsers ask each time whether they changed.
            OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache",
        });
        var results = app.Services.GetRequiredService<Results.ResultSettings>();
        app.UseWebSockets(new WebSocketOptions
        {
            KeepAliveInterval = results.Heartbeat,
            KeepAliveTimeout = results.SendTimeout,
        });
        app.UseRouting();
        MapCalls(app);
    }

    private static void MapCalls(IEndpointRouteBuilder app)
    {
        app.MapPost("/api/batches", BatchEndpoints.PostAsync);
        app.MapGet("/api/batches/{batchId}", BatchEndpoints.GetAsync);
        app.MapDelete("/api/batches/{batchId}", BatchEndpoints.DeleteAsync);
        app.MapGet("/api/batches/{batchId}/images/{jobId}", BatchEndpoints.GetImageAsync);
        app.MapGet("/api/batches/{batchId}/events",
            (string batchId, string? after, HttpContext context, EventStreamEndpoint events) =>
                events.GetAsync(batchId, after, context));
        app.MapGet("/ws", (string? batch, string? after, HttpContext context, WebSocketEndpoint sockets) =>
            sockets.GetAsync(batch, after, context));
        app.MapPost("/api/classify", (HttpRequest request, ClassifyEndpoints classify) => classify.PostAsync(request));
        app.MapPost("/", (HttpRequest request, ClassifyEndpoints classify) => classify.PostForTextAsync(request));
        app.MapGet("/api/fleet", FleetEndpoint.GetAsync);
        app.MapGet("/health/live", HealthEndpoints.Live);
        app.MapGet("/health/ready", (HttpContext context, HealthEndpoints health) => health.ReadyAsync(context));
    }

    /// <summary>As late as can be: the answer to a failure starts with no headers again.</summary>
    private static Task AddSecurityHeadersAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Cross-Origin-Resource-Policy"] = "same-origin";
            return Task.CompletedTask;
        });
        return next(context);
    }

    /// <summary>Nothing internal in errors: what failed goes to the log, and the client learns whether to come
    /// back.</summary>
    private static Task AnswerFailureAsync(HttpContext context)
    {
        var retryAfter = context.RequestServices.GetRequiredService<Uploads.UploadSettings>().RetryAfter;
        var problem = context.Features.Get<IExceptionHandlerFeature>()?.Error switch
        {
            Microsoft.AspNetCore.Http.BadHttpRequestException bad => Problems.Status(bad.StatusCode),
            AskTimeoutException or QueueUnavailableException or IOException => Problems.Unavailable(retryAfter),
            _ => Problems.Status(StatusCodes.Status500InternalServerError),
        };
        return problem.ExecuteAsync(context);
    }
}
