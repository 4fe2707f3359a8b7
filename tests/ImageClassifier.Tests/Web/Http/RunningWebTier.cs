using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Host.Logging;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Api;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Hosting;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Supervision;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The web tier behind a real server on a free port, in real time, with queues and a store in
/// memory.</summary>
internal sealed class RunningWebTier : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(20);

    private const string TestSettings =
        """
        akka.loglevel = OFF
        """;

    private readonly WebApplication _app;
    private readonly IObjectStore _store;
    private readonly CancellationTokenSource _limit = new(Limit);
    private readonly CancellationTokenSource _stopNode = new();
    private readonly ConcurrentQueue<string> _arrived;
    private Task _node = Task.CompletedTask;

    private RunningWebTier(WebApplication app, TestParts parts, ConcurrentQueue<string> arrived)
    {
        _app = app;
        _arrived = arrived;
        _store = app.Services.GetRequiredService<IObjectStore>();
        (Store, Requests, Responses, Fleet) = parts;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Single());
        Client = new HttpClient(new PromisedHeaders()) { BaseAddress = Address, Timeout = Limit };
    }

    public InMemoryObjectStore Store { get; }

    /// <summary>The keys of the objects in the store, without the scaler's notes of launches, which come at any
    /// time.</summary>
    public IReadOnlyList<string> Keys =>
        [.. Store.Keys.Where(key => !key.StartsWith(ObjectKeys.Launches, StringComparison.Ordinal))];

    public FakeMessageQueue Requests { get; }

    public FakeMessageQueue Responses { get; }

    public FakeInstanceFleet Fleet { get; }

    public Uri Address { get; }

    /// <summary>The mapped endpoints.</summary>
    public IEnumerable<RouteEndpoint> Calls =>
        _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    /// <summary>The tier's services.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>The server's settings.</summary>
    public KestrelServerOptions Server => _app.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;

    /// <summary>A client that asserts on every answer what holds for all.</summary>
    public HttpClient Client { get; }

    /// <summary>The time limit of a test's waits.</summary>
    public CancellationToken InTime => _limit.Token;

    /// <summary>Starts the tier.</summary>
    /// <param name="settings">Changed settings under <c>image-classifier</c>.</param>
    /// <param name="change">Changes what is no setting, such as intervals; null for none.</param>
    /// <param name="store">The store of an earlier tier; null for an empty one.</param>
    /// <param name="log">Receives the log; null for none.</param>
    /// <param name="files">The store to use in place of the one in memory; null for none.</param>
    /// <param name="services">Adds services; null for none.</param>
    public static async Task<RunningWebTier> StartAsync(
        string settings = "", Func<WebTierSettings, WebTierSettings>? change = null,
        InMemoryObjectStore? store = null, ILoggerProvider? log = null, IObjectStore? files = null,
        Action<IServiceCollection>? services = null)
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var config = ConfigurationFactory.ParseString($"image-classifier {{ {settings} }}")
            .WithFallback(ConfigurationFactory.ParseString(TestSettings))
            .WithFallback(ConfigurationFactory.ParseString(reference));
        var tier = Quick(WebTierSettings.Create(config));
        if (change is not null) tier = change(tier);
        var parts = new TestParts(
            store ?? new InMemoryObjectStore(TimeProvider.System), new FakeMessageQueue(TimeProvider.System),
            new FakeMessageQueue(TimeProvider.System), new FakeInstanceFleet(TimeProvider.System));

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (log is not null)
        {
            builder.Logging.SetMinimumLevel(LogLevel.Trace);
            builder.Logging.AddProvider(new RedactingLoggerProvider(log));
        }

        builder.Services
            .AddSingleton(new QueuePair(parts.Requests, parts.Responses))
            .AddSingleton(files ?? parts.Store)
            .AddSingleton<IInstanceFleet>(parts.Fleet)
            .AddWebTier(tier, StopGrace);
        if (log is null)
        {
            builder.Services.AddAkka(
                "image-classifier", akka => akka.AddHocon(config, HoconAddMode.Prepend).WithWebTier(tier));
        }
        else
        {
            builder.Services.AddActorSystem(
                Logging(config), ActorSystemHosting.WebStop, akka => akka.WithWebTier(tier));
        }

        services?.Invoke(builder.Services);
        var app = builder.Build();
        var arrived = new ConcurrentQueue<string>();
        app.Use((context, next) =>
        {
            arrived.Enqueue(context.Request.Path);
            return next(context);
        });
        app.UseWebTier(Path.Combine(Repository.Root, "src", "ImageClassifier.Web", "Page"));
        await app.StartAsync();
        return new RunningWebTier(app, parts, arrived);
    }

    // Real time passes in these tests, so they look often.
    private static WebTierSettings Quick(WebTierSettings tier)
    {
        var often = TimeSpan.FromMilliseconds(100);
        return tier with
        {
            Scaling = tier.Scaling with { Interval = often, IdleInterval = often },
            Results = tier.Results with { ListenerLinger = TimeSpan.FromMilliseconds(1) },
        };
    }

    /// <summary>Removes the limit <see cref="InTime"/>, for a test that limits its own time.</summary>
    public RunningWebTier WithoutTimeLimit()
    {
        _limit.CancelAfter(Timeout.InfiniteTimeSpan);
        return this;
    }

    /// <summary>Starts an app node whose label for a picture is the picture's text.</summary>
    /// <param name="classify">Makes the result from the label; null for one with that label only.</param>
    public RunningWebTier WithNode(Func<ClassificationRequest, string, JobResult>? classify = null)
    {
        _node = WorkAsync(classify ?? Jobs.Classified);
        return this;
    }

    /// <summary>Stops the tier as a signal does.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <summary>Marks the tier as a web node that its cluster removed.</summary>
    public void MarkRemoved() => _app.Services.GetRequiredService<ClusterMembership>().MarkRemoved();

    /// <summary>Uploads pictures and returns the answer's document.</summary>
    public async Task<AcceptedUpload> UploadAsync(params Upload[] files)
    {
        using var answer = await Client.PostAsync("/api/batches", Upload.Form(files), InTime);
        Assert.Equal(System.Net.HttpStatusCode.Accepted, answer.StatusCode);
        var document = await answer.DocumentAsync();
        return new AcceptedUpload(
            BatchId.Parse(document.GetProperty("batchId").GetString()!),
            [.. document.GetProperty("jobs").EnumerateArray().Select(job => JobId.Parse(job.GetProperty("jobId").GetString()!))]);
    }

    /// <summary>Publishes a result as a node does.</summary>
    public async Task PublishAsync(JobResult result)
    {
        await _store.PutIfAbsentAsync(ObjectKeys.Result(result.Batch, result.Job), WireJson.WriteUtf8(result), InTime);
        await Responses.SendAsync([result.ToMessage()], InTime);
    }

    /// <summary>Publishes a result with a label.</summary>
    public Task PublishAsync(AcceptedUpload upload, int picture, string label = "cat", int attempt = 1) =>
        PublishAsync(Jobs.Classified(Jobs.Request(upload.Batch, upload.Jobs[picture], attempt), label));

    /// <summary>Waits until a request for a path has arrived.</summary>
    public Task UntilArrivedAsync(string path) => UntilAsync(() => _arrived.Contains(path), $"a request for {path}");

    /// <summary>Waits until something holds.</summary>
    public async Task UntilAsync(Func<bool> condition, string because)
    {
        while (!condition())
        {
            if (InTime.IsCancellationRequested) throw new TimeoutException($"Timed out waiting for this: {because}.");
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _stopNode.CancelAsync();
        await _node;
        await _app.StopAsync();
        await _app.DisposeAsync();
        _stopNode.Dispose();
        _limit.Dispose();
    }

    private static Config Logging(Config config) =>
        ConfigurationFactory.ParseString("akka.loglevel = INFO").WithFallback(config);

    private async Task WorkAsync(Func<ClassificationRequest, string, JobResult> classify)
    {
        while (!_stopNode.IsCancellationRequested)
        {
            var received = await Requests.ReceiveAsync(
                IMessageQueue.MaxBatch, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), _stopNode.Token);
            foreach (var message in received)
            {
                var request = WireJson.TryRead<ClassificationRequest>(message.Body)!;
                var words = request.ImageKey is { } key
                    ? Upload.WordsIn(Store.TextAt(key) ?? "")
                    : request.Reference!.Url ?? request.Reference.S3!;
                await PublishAsync(words == Upload.Undecodable ? Jobs.Failed(request) : classify(request, words));
                await Requests.DeleteAsync([message.Receipt], CancellationToken.None);
            }
        }
    }

    private sealed record TestParts(
        InMemoryObjectStore Store, FakeMessageQueue Requests, FakeMessageQueue Responses, FakeInstanceFleet Fleet);

    private sealed class PromisedHeaders() : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            answer.AssertPromisedHeaders();
            await DescribedAnswers.AssertDescribedAsync(answer, cancellationToken);
            return answer;
        }
    }
}

/// <summary>An accepted batch.</summary>
internal sealed record AcceptedUpload(BatchId Batch, IReadOnlyList<JobId> Jobs);
