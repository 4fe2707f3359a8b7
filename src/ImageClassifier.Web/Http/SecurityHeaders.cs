using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Http;

/// <summary>Adds the security headers of every answer.</summary>
internal static class SecurityHeaders
{
    /// <summary>For a picture opened by itself: it can run and load nothing. The browser's own picture viewer needs
    /// inline styles.</summary>
    public const string PicturePolicy =
        "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

    // Scripts and styles come from our own files only. Thumbnails of local files are blobs.
    private const string PagePolicy =
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'";

    // A year during which browsers use https only.
    private const string HttpsOnly = "max-age=31536000";

    /// <summary>The middleware. It adds the headers as late as possible, because an error answer clears earlier
    /// ones.</summary>
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
        headers.TryAdd("Content-Security-Policy", PolicyOf(context.Request.Path));
        // A cache in between could give one caller's answer to another.
        headers.TryAdd("Cache-Control", "no-store");
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
        if (!context.Request.IsHttps) return;
        // Browsers ignore this header over plain http, and log a warning.
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        // Other services of a developer on localhost have no certificate.
        if (context.Request.Host.Host != "localhost") headers.StrictTransportSecurity = HttpsOnly;
    }

    private static string PolicyOf(PathString path) =>
        path.StartsWithSegments(ApiPage.Folder, StringComparison.Ordinal) ? ApiPage.Policy : PagePolicy;
}
