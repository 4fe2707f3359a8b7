using System.Net;
using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Detects calls by pages of other sites. A browser names the page's site in <c>Origin</c>; other clients do
/// not.</summary>
internal sealed class OriginCheck(AccessSettings access, OwnNames names)
{
    /// <summary>Refuses a call by a page of another site. Null if the call comes from no page, from a page of this
    /// service, or from a page of an allowed site.</summary>
    public IResult? Refuse(HttpRequest request)
    {
        if (MayBeRebound(request) && !IsOwnName(request.Host)) return Problems.HostRefused();
        return request.Headers.Origin.All(origin => IsAllowed(origin, request.Host)) ? null : Problems.OriginRefused();
    }

    /// <summary>Whether this could be DNS rebinding: another site gives its own name our address, so origin and host
    /// are equal. With keys it does no harm, because such a page has no key. Browsers send an origin with everything
    /// but a plain GET.</summary>
    private bool MayBeRebound(HttpRequest request) =>
        access.Keys.IsEmpty
        && (request.Headers.Origin.Count > 0 || IsPlainRead(request));

    private static bool IsPlainRead(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && !request.HttpContext.WebSockets.IsWebSocketRequest;

    /// <summary>Whether no other site can own the host name: it is an address, has no dot, or belongs to this machine
    /// or to an allowed site.</summary>
    private bool IsOwnName(HostString host) =>
        !host.HasValue || IPAddress.TryParse(host.Host, out _) || !host.Host.Contains('.') || names.Contains(host.Host)
        || access.AllowedOrigins.Any(site => string.Equals(site.Host, host.Host, StringComparison.OrdinalIgnoreCase));

    private bool IsAllowed(string? text, HostString host) =>
        Uri.TryCreate(text, UriKind.Absolute, out var origin)
        && (string.Equals(origin.Authority, host.Value, StringComparison.OrdinalIgnoreCase)
            || access.AllowedOrigins.Any(allowed => IsSame(allowed, origin)));

    private static bool IsSame(Uri one, Uri other) => Uri.Compare(
        one, other, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
