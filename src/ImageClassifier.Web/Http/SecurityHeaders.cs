using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Http;

/// <summary>What every answer tells browsers not to do.</summary>
internal static class SecurityHeaders
{
    /// <summary>For a picture that is opened by itself: nothing in it runs or loads. The browser's own picture page has
    /// styles in it.</summary>
    public const string PicturePolicy =
        "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

    // Scripts and styles from files of ours only. Thumbnails of local files are blobs.
    private const string PagePolicy =
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'";

    // A year, in which browsers come back over https only.
    private const string HttpsOnly = "max-age=31536000";

    /// <summary>The middleware. It adds as late as can be: the answer to a failure starts with no headers
    /// again.</summary>
    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(() =>
        {
            Add(context);
            return Task.CompletedTask;
        });
        return next(context);
    }

    private static void Add(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.TryAdd("Content-Security-Policy", PagePolicy);
        // A cache in between would give one caller's answer to another.
        headers.TryAdd("Cache-Control", "no-store");
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        if (!context.Request.IsHttps) return;
        // Over plain http browsers ignore it, and complain.
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        // A developer's other services on localhost have no certificate.
        if (context.Request.Host.Host != "localhost") headers.StrictTransportSecurity = HttpsOnly;
    }
}
