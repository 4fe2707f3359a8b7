using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.FileProviders;
using Microsoft.Net.Http.Headers;

namespace ImageClassifier.Web.Http;

/// <summary>Answers <c>OPTIONS</c>, and adds the <c>Allow</c> header to a 405, with the methods of an
/// address.</summary>
/// <param name="page">The page's files.</param>
/// <param name="calls">The API calls.</param>
internal sealed class AllowedMethods(IFileProvider page, IEndpointRouteBuilder calls)
{
    private const string StartPage = "index.html";

    /// <summary>The middleware. <c>OPTIONS</c> needs no key, because the answer does not depend on stored
    /// data.</summary>
    public async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            await OptionsOf(context).ExecuteAsync(context);
            return;
        }

        await next(context);
        var response = context.Response;
        if (response.HasStarted
            || response.StatusCode is not (StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed))
            return;
        var methods = MethodsOf(context.Request.Path);
        if (methods.Count == 0 || methods.Contains(context.Request.Method)) return;
        response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        response.Headers.Allow = string.Join(", ", methods);
    }

    private IResult OptionsOf(HttpContext context)
    {
        var methods = MethodsOf(context.Request.Path);
        if (methods.Count == 0) return Problems.Status(StatusCodes.Status404NotFound);
        context.Response.Headers.Allow = string.Join(", ", methods);
        // A CORS preflight: a browser asks whether a page of another site may make the call.
        return context.Request.Headers.ContainsKey(HeaderNames.AccessControlRequestMethod)
            ? Problems.CrossSiteRefused()
            : TypedResults.NoContent();
    }

    /// <summary>The methods of an address in alphabetical order; empty if the address does not exist.</summary>
    private SortedSet<string> MethodsOf(PathString path)
    {
        var methods = new SortedSet<string>(StringComparer.Ordinal);
        if (IsFile(path)) methods.UnionWith([HttpMethods.Get, HttpMethods.Head]);
        foreach (var call in calls.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
        {
            var matcher = new TemplateMatcher(new RouteTemplate(call.RoutePattern), []);
            if (call.Metadata.GetMetadata<IHttpMethodMetadata>() is { } takes && matcher.TryMatch(path, []))
                methods.UnionWith(takes.HttpMethods);
        }

        if (methods.Count > 0) methods.Add(HttpMethods.Options);
        return methods;
    }

    private bool IsFile(PathString path) =>
        page.GetFileInfo(path.Value is [.., '/'] folder ? folder + StartPage : path.Value ?? "")
            is { Exists: true, IsDirectory: false };
}
