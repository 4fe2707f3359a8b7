using System.Net;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Tells the pages of other sites. A browser names the site whose page makes a call; other clients name
/// none.</summary>
internal sealed class OriginCheck(AccessSettings access)
{
    /// <summary>Whether the call comes from no page, from a page of this service, or from one of an allowed
    /// site.</summary>
    public bool Allows(HttpRequest request) => request.Headers.Origin.All(text =>
        Uri.TryCreate(text, UriKind.Absolute, out var origin)
        && ((IsOurName(request)
                && string.Equals(origin.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase))
            || access.AllowedOrigins.Any(allowed => IsSame(allowed, origin))));

    /// <summary>Whether the name by which the service is called can be its own. Where no key is needed and only this machine
    /// reaches the port, another site may have given its name this machine's address (DNS rebinding).</summary>
    private bool IsOurName(HttpRequest request) =>
        !access.Keys.IsEmpty
        || request.HttpContext.Connection.LocalIpAddress is not { } local || !IPAddress.IsLoopback(local)
        || IPAddress.TryParse(request.Host.Host, out _)
        || string.Equals(request.Host.Host, "localhost", StringComparison.OrdinalIgnoreCase);

    private static bool IsSame(Uri one, Uri other) => Uri.Compare(
        one, other, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
