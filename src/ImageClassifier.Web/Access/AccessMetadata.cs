using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Builder;

namespace ImageClassifier.Web.Access;

/// <summary>Marks on calls for the access checks. A call without a mark needs a key.</summary>
internal static class AccessMetadata
{
    /// <summary>Lets everyone call. For batches, where the batch id is the right to read, and for calls that reveal
    /// nothing.</summary>
    public static TBuilder LetEveryoneIn<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new EveryoneMayCall());

    /// <summary>Marks the call as an upload: it is rate-limited and logged with the caller's name.</summary>
    public static TBuilder CountAsUpload<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new Upload()).CanFailWith(ProblemKinds.TooManyUploads);

    /// <summary>Logs each call with its caller and batch, because a deletion cannot be undone.</summary>
    public static TBuilder LogAsDeletion<TBuilder>(this TBuilder call) where TBuilder : IEndpointConventionBuilder =>
        call.WithMetadata(new Deletion());

    /// <summary>Marks a call that needs no key.</summary>
    internal sealed record EveryoneMayCall;

    /// <summary>Marks an upload.</summary>
    internal sealed record Upload;

    /// <summary>Marks a deletion.</summary>
    internal sealed record Deletion;
}
