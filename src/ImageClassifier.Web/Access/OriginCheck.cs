using System.Net;
using ImageClassifier.Web.Http;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Tells the pages of other sites. A browser names the site whose page makes a call; other clients name
/// none.</summary>
internal sealed class OriginCheck(AccessSettings access, OwnNames names)
{
    /// <summary>The refusal of a call that a page of another site makes; null where the call comes from no page, from
    /// a page of this service, or from one of an allowed site.</summary>
    public IResult? Refuse(HttpRequest request)
    {
        if (MayBeRebound(request) && !IsOwnName(request.Host)) return Problems.HostRefused();
        return request.Headers.Origin.All(origin => IsAllowed(origin, request.Host)) ? null : Problems.OriginRefused();
    }

    /// <summary>Whether a browser may have been led here by another site's name, which that site has given our address
    /// (DNS rebinding); origin and host are then the same. Where keys are needed, such a page has none. Browsers send
    /// an origin with all but a plain GET.</summary>
    private bool MayBeRebound(HttpRequest request) =>
        access.Keys.IsEmpty
        && (request.Headers.Origin.Count > 0 || IsPlainRead(request));

    private static bool IsPlainRead(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && !request.HttpContext.WebSockets.IsWebSocketRequest;

    /// <summary>Whether no other site can have the name: it is an address, has no dot, or is this machine's or an
    /// allowed site's.</summary>
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
