using Microsoft.AspNetCore.Builder;

namespace ImageClassifier.Web.Access;

/// <summary>What the calls say about who may make them. A call that says nothing needs a key.</summary>
internal static class AccessMetadata
{
    /// <summary>Lets everyone make the call: reading a batch, of which the batch's id is the right, and what tells
    /// nothing about anyone.</summary>
    public static TBuilder LetEveryoneIn<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new EveryoneMayCall());

    /// <summary>Counts the call as an upload: it is limited by rate, and logged with the caller's name.</summary>
    public static TBuilder CountAsUpload<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new Upload()).RequireRateLimiting(UploadRateLimit.Name);

    /// <summary>Logs each call with who made it and of which batch: nothing brings back what is deleted.</summary>
    public static TBuilder LogAsDeletion<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new Deletion());

    /// <summary>Marks a call that needs no key.</summary>
    internal sealed record EveryoneMayCall;

    /// <summary>Marks an upload.</summary>
    internal sealed record Upload;

    /// <summary>Marks a deletion.</summary>
    internal sealed record Deletion;
}
