using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>The metadata service (IMDSv2) of one instance, without a spot interruption.</summary>
internal sealed class MetadataService : IAsyncDisposable
{
    private const string Token = "token-of-the-metadata-service";

    private readonly WebApplication _web;

    private MetadataService(WebApplication web) => _web = web;

    public string Endpoint => _web.Urls.Single();

    public static async Task<MetadataService> StartAsync(string instanceId)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var web = builder.Build();
        web.MapPut("/latest/api/token", () => Token);
        web.MapGet("/latest/meta-data/{**path}", (string path, HttpRequest request) =>
            request.Headers["X-aws-ec2-metadata-token"] != Token ? Results.Unauthorized()
            : path == "instance-id" ? Results.Text(instanceId)
            : Results.NotFound());
        await web.StartAsync();
        return new MetadataService(web);
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();
}
