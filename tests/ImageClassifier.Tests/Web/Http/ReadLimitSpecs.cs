using Akka.Configuration;
using ImageClassifier.Testing;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Results;
using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ImageClassifier.Tests.Web.Http;

public sealed class ReadLimitSpecs
{
    private readonly ReadLimit _limit;

    public ReadLimitSpecs()
    {
        var config = ConfigurationFactory.ParseString(
            File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf")));
        _limit = new ReadLimit(ResultSettings.Create(config) with { MaxReads = 1 }, UploadSettings.Create(config));
    }

    [Fact]
    public async Task A_client_that_is_slow_to_take_its_refusal_keeps_no_other_out()
    {
        var (reads, takes) = (new TaskCompletionSource(), new TaskCompletionSource());
        var reading = _limit.GuardAsync(Call(Stream.Null), _ => reads.Task);
        using var slow = new SlowClient(takes.Task);
        var refused = Call(slow);
        var refusing = _limit.GuardAsync(refused, _ => throw new InvalidOperationException("It is over the limit."));
        Assert.Equal(StatusCodes.Status503ServiceUnavailable, refused.Response.StatusCode);
        Assert.False(refusing.IsCompleted);

        reads.SetResult();
        await reading;
        var isRead = false;
        await _limit.GuardAsync(Call(Stream.Null), _ =>
        {
            isRead = true;
            return Task.CompletedTask;
        });
        Assert.True(isRead);

        takes.SetResult();
        await refusing;
    }

    private static DefaultHttpContext Call(Stream client)
    {
        var call = new DefaultHttpContext
        {
            RequestServices = new ServiceCollection().AddLogging().BuildServiceProvider(),
            Response = { Body = client },
        };
        call.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new ReadLimit.Read()), "a read"));
        return call;
    }

    /// <summary>The stream to a client that takes nothing until a task completes.</summary>
    private sealed class SlowClient(Task takes) : MemoryStream
    {
        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await takes.WaitAsync(cancellationToken);
            await base.WriteAsync(buffer, cancellationToken);
        }
    }
}
