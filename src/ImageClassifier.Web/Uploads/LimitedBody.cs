using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ImageClassifier.Web.Uploads;

/// <summary>
/// A request's body up to a limit. The server's own limit breaks the connection off, and a client that is still sending
/// then sees that instead of the answer; so it is lifted, and past this one the server discards what comes for a few
/// seconds while the client reads why.
/// </summary>
internal sealed class LimitedBody(Stream body, long maxBytes) : ForwardStream
{
    private long _count;

    /// <summary>Lifts the server's limit for this request.</summary>
    public static void LiftServerLimit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
    }

    /// <inheritdoc />
    /// <exception cref="BadHttpRequestException">With status 413: the body has more bytes.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        _count += read;
        return _count <= maxBytes
            ? read
            : throw new BadHttpRequestException("The body is too large.", StatusCodes.Status413PayloadTooLarge);
    }
}
