using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Http.Description;

/// <summary>An answer of a call that is no error, for the API's description.</summary>
/// <param name="Status">The status.</param>
/// <param name="Description">What the answer means.</param>
/// <param name="ContentTypes">The possible types of its body; empty if it has none.</param>
/// <param name="Headers">The headers that matter to clients.</param>
internal sealed record CallAnswer(
    int Status, string Description, IReadOnlyList<string> ContentTypes, IReadOnlyList<AnswerHeader> Headers)
{
    /// <summary>The document in the body; null if the body is text or bytes.</summary>
    public Type? Body { get; init; }
}

/// <summary>A header that an answer always has.</summary>
internal sealed record AnswerHeader(string Name, string Description);

/// <summary>A parameter of a call.</summary>
/// <param name="Name">The name.</param>
/// <param name="In">The place: <c>path</c>, <c>query</c> or <c>header</c>.</param>
/// <param name="Description">What it means.</param>
internal sealed record CallParameter(string Name, string In, string Description)
{
    /// <summary>The regular expression of valid values.</summary>
    public string? Pattern { get; init; }

    /// <summary>Whether the call is refused without it.</summary>
    public bool IsRequired { get; init; } = In == "path";
}

/// <summary>The call takes a multipart form.</summary>
/// <param name="Field">The usual name of the field. Every other name works too.</param>
/// <param name="IsOneFile">Whether a second file is refused.</param>
internal sealed record CallForm(string Field, bool IsOneFile);

/// <summary>The call also takes a JSON document.</summary>
/// <param name="Body">The type of the document.</param>
internal sealed record CallDocument(Type Body);

/// <summary>Describes calls where they are mapped. The API's description is generated from it, and a test compares each
/// answer with that description.</summary>
internal static class CallDescription
{
    public const string Json = "application/json";
    public const string Text = "text/plain";

    private const string IdPattern = "^[0-9a-f]{32}$";

    /// <summary>Names the call, which becomes the name of a function in generated clients.</summary>
    public static RouteHandlerBuilder Describe(
        this RouteHandlerBuilder call, string name, string tag, string summary, string description) =>
        call.WithName(name).WithTags(tag).WithSummary(summary).WithDescription(description);

    /// <summary>The call answers with a document.</summary>
    public static RouteHandlerBuilder Answers<T>(
        this RouteHandlerBuilder call, int status, string description, string contentType = Json,
        params AnswerHeader[] headers) => call.WithMetadata(
            new CallAnswer(status, description, [contentType], headers) { Body = typeof(T) },
            new ProducesResponseTypeMetadata(status, typeof(T), [contentType]));

    /// <summary>The call answers with text, bytes or nothing.</summary>
    public static RouteHandlerBuilder Answers(
        this RouteHandlerBuilder call, int status, string description, string[]? contentTypes = null,
        params AnswerHeader[] headers) =>
        call.WithMetadata(new CallAnswer(status, description, contentTypes ?? [], headers));

    /// <summary>The call takes files as a multipart form.</summary>
    public static RouteHandlerBuilder TakesFiles(this RouteHandlerBuilder call, string field, bool onlyOne) =>
        call.WithMetadata(new CallForm(field, onlyOne));

    /// <summary>The call takes a JSON document too.</summary>
    public static RouteHandlerBuilder TakesDocument<T>(this RouteHandlerBuilder call) =>
        call.WithMetadata(new CallDocument(typeof(T)));

    /// <summary>The call takes a parameter.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder call, params CallParameter[] parameters) =>
        call.WithMetadata([.. parameters]);

    /// <summary>A batch's id, in the path or the query.</summary>
    public static CallParameter BatchId(string name, string place) =>
        new(name, place, "The batch's id. It is enough to read the batch, so keep it secret.")
        {
            Pattern = IdPattern,
            IsRequired = true,
        };

    /// <summary>The id of a picture's job.</summary>
    public static CallParameter JobId { get; } = new("jobId", "path", "The id of the picture's job.")
    {
        Pattern = IdPattern,
    };

    /// <summary>The event after which to resume.</summary>
    public static CallParameter After { get; } = new("after", "query",
        "The id of the last event that the client has. The events after it follow. If the id is of an earlier life of "
        + "the batch, or unknown, all events follow.");
}
