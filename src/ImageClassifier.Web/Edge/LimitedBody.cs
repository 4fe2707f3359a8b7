using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ImageClassifier.Web.Edge;

/// <summary>
/// A request body with a size limit. The server's own limit resets the connection, so a client that is still sending
/// does not see the answer. This class lifts that limit. The server then discards further bytes for a few seconds while
/// the client reads the answer.
/// </summary>
internal sealed class LimitedBody(Stream body, long maxBytes) : ForwardStream
{
    // The server hands over 4 KB as soon as it has them. Each read goes through many layers, so it waits for more.
    private const int Enough = 16 << 10;

    private long _count;

    /// <summary>Lifts the server's own limit for this request.</summary>
    public static void LiftServerLimit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
    }

    /// <inheritdoc />
    /// <exception cref="BadHttpRequestException">Status 413: the body exceeds the limit.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await body.ReadAtLeastAsync(
            buffer, Math.Min(Enough, buffer.Length), throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        _count += read;
        return _count <= maxBytes
            ? read
            : throw new BadHttpRequestException("The body is too large.", StatusCodes.Status413PayloadTooLarge);
    }
}
