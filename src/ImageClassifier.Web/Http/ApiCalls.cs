using ImageClassifier.Core.Formats;
using ImageClassifier.Web.Access;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Edge;
using ImageClassifier.Web.Http.Description;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using static ImageClassifier.Web.Http.Description.CallDescription;

namespace ImageClassifier.Web.Http;

/// <summary>Maps the API's calls, each with its description.</summary>
internal static class ApiCalls
{
    private const string Batches = "Batches";
    private const string OnePicture = "One picture";
    private const string Service = "Service";

    /// <summary>Maps all calls.</summary>
    public static void Map(IEndpointRouteBuilder app)
    {
        var calls = app.MapGroup("").AddEndpointFilter(RefuseUnlessMemberAsync).CanFailWith(ProblemKinds.Unavailable);
        MapUploads(calls);
        MapReads(calls);
        MapEvents(calls);
        MapFleet(calls);
        MapHealth(app);
        app.MapReading(ApiPage.ScriptPath, ApiPage.Script).LetEveryoneIn().ExcludeFromDescription();
    }

    private static void MapUploads(IEndpointRouteBuilder app)
    {
        app.MapPost("/api/batches", BatchEndpoints.PostAsync).CountAsUpload()
            .Describe("uploadBatch", Batches, "Upload pictures",
                "Accepts one or many files as one batch. The answer comes at once, and each result follows as soon as "
                + "it is ready: read the batch's events, its WebSocket, or the batch. A file that cannot be used is "
                + "refused alone: its job has the status `rejected` and the reason. As JSON, the request names pictures that "
                + "the service fetches itself. It keeps no copy of them.")
            .TakesFiles("files", onlyOne: false).TakesDocument<ReferenceListDocument>()
            .Answers<AcceptedDocument>(StatusCodes.Status202Accepted,
                "At least one file is accepted. It is stored and will be classified or fail with a reason.", Json,
                new AnswerHeader("Location", "The address of the batch."))
            .CanFailWith(UploadRequest.Failures)
            .CanFailWith(ProblemKinds.NothingUsable, ProblemKinds.MalformedReferences);
        app.MapPost("/api/classify", (HttpRequest request, ClassifyEndpoints classify) => classify.PostAsync(request))
            .CountAsUpload()
            .Describe("classify", OnePicture, "Classify one picture, and wait",
                "Waits for the result, 50 s at most. Then the answer is `504` with the address of the result. The "
                + "answer is JSON if `Accept` names JSON, and otherwise only the best label as text.")
            .TakesFiles("file", onlyOne: true)
            .Answers<JobDocument>(StatusCodes.Status200OK, "The picture's result.")
            .Answers(StatusCodes.Status200OK, "The picture's result.", [Text])
            .CanFailWith(UploadRequest.Failures).CanFailWith(ClassifyEndpoints.Failures);
        app.MapPost("/", (HttpRequest request, ClassifyEndpoints classify) => classify.PostForTextAsync(request))
            .CountAsUpload()
            .Describe("label", OnePicture, "The label of one picture, as text",
                "For scripts: `curl -F file=@cat.jpg http://127.0.0.1:5000/`. Like `POST /api/classify`, always "
                + "answered as text.")
            .TakesFiles("file", onlyOne: true)
            .Answers(StatusCodes.Status200OK, "The best label.", [Text])
            .CanFailWith(UploadRequest.Failures).CanFailWith(ClassifyEndpoints.Failures);
        app.MapDelete("/api/batches/{batchId}", BatchEndpoints.DeleteAsync).LogAsDeletion()
            .Describe("deleteBatch", Batches, "Delete a batch, or cancel what waits",
                "Deletes the batch's pictures, its results and its record. With `cancel=waiting` it deletes nothing: the "
                + "pictures without a result fail with the code `cancelled`, and the batch is complete. A picture that a "
                + "node works on may still be classified. A repeated cancel changes nothing.")
            .Takes(BatchId("batchId", "path"),
                new CallParameter("cancel", "query",
                    "`waiting` ends the pictures without a result. Without it the batch is deleted.")
                {
                    Pattern = $"^{BatchEndpoints.CancelsWaiting}$",
                })
            .Answers(StatusCodes.Status204NoContent, "The batch is gone.")
            .Answers<CancelledDocument>(StatusCodes.Status200OK, "No picture of the batch waits any more.")
            .CanFailWith(ProblemKinds.NoSuchBatch, ProblemKinds.BatchDamaged, ProblemKinds.CancelUnknown);
    }

    private static void MapReads(IEndpointRouteBuilder app)
    {
        app.MapReading("/api/batches/{batchId}", BatchEndpoints.GetAsync).LetEveryoneIn().CountAsRead()
            .Describe("getBatch", Batches, "Read a batch",
                "All jobs of the batch with what is known now. The batch is done when `completed` and `failed` add up "
                + "to `total`.")
            .Takes(BatchId("batchId", "path"))
            .Answers<BatchDocument>(StatusCodes.Status200OK, "The batch as it stands.")
            .CanFailWith(ProblemKinds.NoSuchBatch, ProblemKinds.BatchDamaged);
        app.MapReading("/api/batches/{batchId}/images/{jobId}", BatchEndpoints.GetImageAsync)
            .LetEveryoneIn().CountAsRead()
            .Describe("getImage", Batches, "Read a picture", "The picture as it was uploaded.")
            .Takes(BatchId("batchId", "path"), JobId)
            .Answers(StatusCodes.Status200OK, "The picture.",
                [.. Enum.GetValues<PictureFormat>().Select(PictureFormats.ContentType)],
                new AnswerHeader("Content-Disposition", "A name for the file: the job's id with the format's ending."),
                new AnswerHeader("Last-Modified", "When it was stored: send it as `If-Modified-Since`."))
            .Answers(StatusCodes.Status304NotModified, "The client has the picture (`If-Modified-Since`).")
            .CanFailWith(ProblemKinds.NoSuchImage, ProblemKinds.ImageNotStored);
    }

    private static void MapEvents(IEndpointRouteBuilder app)
    {
        app.MapReading("/api/batches/{batchId}/events",
            (string batchId, string? after, HttpContext context, EventStreamEndpoint events) =>
                events.GetAsync(batchId, after, context)).LetEveryoneIn()
            .Describe("getEvents", Batches, "Follow a batch as an event stream",
                "Server-Sent Events: a `result` for each job, then `complete`, which ends the stream. The data of each "
                + "event is one JSON document, the same as on the WebSocket. `id` is its position. Lines that begin "
                + "with a colon say that the stream is alive. A client that lost its connection continues with "
                + "`Last-Event-ID` or `after`.")
            .Takes(BatchId("batchId", "path"), After,
                new CallParameter(EventStreamEndpoint.LastEventIdHeader, "header",
                    "The same as `after`, and before it. Browsers send it when they connect again."))
            .Answers<EventDocument>(StatusCodes.Status200OK,
                "The events. The schema is that of each event's data.", EventStreamEndpoint.ContentType)
            .Answers(StatusCodes.Status204NoContent, "The client has the last event: nothing follows.")
            .CanFailWith(
                ProblemKinds.NoSuchBatch, ProblemKinds.BatchDamaged, ProblemKinds.Overloaded, ProblemKinds.Stopping);
        app.MapReading("/ws", (string? batch, string? after, HttpContext context, WebSocketEndpoint sockets) =>
            sockets.GetAsync(batch, after, context)).LetEveryoneIn()
            .Describe("openSocket", Batches, "Follow a batch on a WebSocket",
                "Each text frame is one JSON document: a `result` for each job, then `complete`. The server then closes "
                + "with 1000. It closes with 1001 when it stops, 1008 when the client sends more than a few small "
                + "frames, 1013 when the client should try again later, 4404 when the batch was deleted, and 4500 when "
                + "its record is damaged. A client that lost its connection continues with `after`.")
            .Takes(BatchId("batch", "query"), After)
            .Answers<EventDocument>(StatusCodes.Status101SwitchingProtocols,
                "The connection is a WebSocket now. The schema is that of each frame from the server. Clients send "
                + "nothing but a close frame.")
            .CanFailWith(
                ProblemKinds.WebSocketExpected, ProblemKinds.HostRefused, ProblemKinds.OriginRefused,
                ProblemKinds.NoSuchBatch, ProblemKinds.BatchDamaged, ProblemKinds.Overloaded, ProblemKinds.Stopping);
    }

    private static void MapFleet(IEndpointRouteBuilder app) =>
        app.MapReading("/api/fleet", FleetEndpoint.GetAsync)
            .Describe("getFleet", Service, "The fleet",
                "The app nodes and their models, the waiting pictures, why nodes could not work, and the last scaling "
                + "decisions with their reasons.")
            .Answers<FleetEndpoint.FleetDocument>(StatusCodes.Status200OK, "The fleet as the scaler last saw it.");

    private static void MapHealth(IEndpointRouteBuilder app)
    {
        app.MapReading("/health/live", HealthEndpoints.Live).LetEveryoneIn()
            .Describe("isLive", Service, "Whether the process answers", "For what restarts processes.")
            .Answers<HealthDocument>(StatusCodes.Status200OK, "The process answers.");
        app.MapReading("/health/serving", (HealthEndpoints health) => health.Serving()).LetEveryoneIn()
            .Describe("isServing", Service, "Whether the node takes calls",
                "For a load balancer that replaces nodes. An outage of queues or store does not show here.")
            .Answers<HealthDocument>(StatusCodes.Status200OK, "The node takes calls.")
            .CanFailWith(ProblemKinds.Stopping, ProblemKinds.Unavailable);
        app.MapReading("/health/ready", (HttpContext context, HealthEndpoints health) => health.ReadyAsync(context))
            .LetEveryoneIn()
            .Describe("isReady", Service, "Whether uploads work",
                "For a load balancer that chooses nodes. The answer says which part fails, and why app nodes cannot "
                + "work.")
            .Answers<HealthDocument>(StatusCodes.Status200OK, "Queues and store can be used.")
            .CanFailWith(ProblemKinds.Stopping, ProblemKinds.Unavailable, ProblemKinds.NotPermitted);
    }

    /// <summary>Refuses calls while the node is not a member of its cluster. Without the other nodes it can read no
    /// batch, so clients would wait for minutes.</summary>
    private static ValueTask<object?> RefuseUnlessMemberAsync(
        EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        var services = call.HttpContext.RequestServices;
        if (services.GetRequiredService<ClusterMembership>().Problem is not { } problem) return next(call);
        var retryAfter = services.GetRequiredService<UploadSettings>().RetryAfter;
        return ValueTask.FromResult<object?>(Problems.NotReady(retryAfter, [problem]));
    }

    /// <summary>Maps HEAD together with GET. Kestrel omits the body.</summary>
    private static RouteHandlerBuilder MapReading(this IEndpointRouteBuilder app, string pattern, Delegate handler) =>
        app.MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], handler);
}
