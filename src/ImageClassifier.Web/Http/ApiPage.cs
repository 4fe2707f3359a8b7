using System.IO.Compression;
using System.Reflection;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Scalar.AspNetCore;

namespace ImageClassifier.Web.Http;

/// <summary>The page that shows the API's description, <c>/api/docs</c>. Its files are in the page's folder. Its script
/// is Scalar's, from the package.</summary>
internal static class ApiPage
{
    public const string Folder = "/api/docs";
    public const string ScriptPath = Folder + "/scalar.js";

    /// <summary>The policy of this page: like that of the other page, but Scalar writes its styles into the document,
    /// and draws icons that are in its script.</summary>
    public const string Policy =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        + "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    // The package contains the script compressed.
    private const string Resource = "ScalarStaticAssets.scalar.js";
    private const string Gzip = "gzip";

    private static readonly Assembly Package = typeof(ScalarOptions).Assembly;

    /// <summary><c>GET /api/docs/scalar.js</c>.</summary>
    public static IResult Script(HttpContext context)
    {
        var script = Package.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The package has no {Resource}.");
        var headers = context.Response.Headers;
        headers.CacheControl = "no-cache";
        headers.Vary = HeaderNames.AcceptEncoding;
        var version = Package.ManifestModule.ModuleVersionId.ToString("N");
        if (TakesGzip(context.Request))
        {
            headers.ContentEncoding = Gzip;
            version += Gzip;
        }
        else
        {
            script = new GZipStream(script, CompressionMode.Decompress);
        }

        return TypedResults.Stream(script, "text/javascript", entityTag: new EntityTagHeaderValue($"\"{version}\""));
    }

    private static bool TakesGzip(HttpRequest request) =>
        request.GetTypedHeaders().AcceptEncoding.Any(encoding => encoding is { Value.Value: Gzip, Quality: null or > 0 });
}
