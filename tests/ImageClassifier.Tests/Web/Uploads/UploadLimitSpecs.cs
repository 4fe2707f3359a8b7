using ImageClassifier.Web.Uploads;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Web.Uploads;

public sealed class UploadLimitSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    [Fact]
    public async Task Uploads_enter_then_wait_then_are_refused()
    {
        using var limit = new UploadLimit(Uploading with { MaxWaiting = 2 }, Time);
        var first = await limit.EnterAsync(CancellationToken.None);
        using var second = await limit.EnterAsync(CancellationToken.None);
        var third = limit.EnterAsync(CancellationToken.None);
        var fourth = limit.EnterAsync(CancellationToken.None);
        Assert.Null(await limit.EnterAsync(CancellationToken.None));
        Assert.False(third.IsCompleted);

        first!.Dispose();
        using var entered = await third;
        Assert.NotNull(entered);
        Assert.False(fourth.IsCompleted);
        entered.Dispose();
        Assert.NotNull(await fourth);
    }

    [Fact]
    public async Task An_upload_waits_no_longer_than_the_edge_answers()
    {
        using var limit = new UploadLimit(Uploading with { MaxConcurrent = 1 }, Time);
        using var first = await limit.EnterAsync(CancellationToken.None);
        var waiting = limit.EnterAsync(CancellationToken.None);
        await AdvanceAsync(TimeSpan.FromSeconds(19), TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);
        await AdvanceAsync(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1));
        Assert.Null(await waiting);

        first!.Dispose();
        Assert.NotNull(await limit.EnterAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_client_that_leaves_gives_up_its_place()
    {
        using var limit = new UploadLimit(Uploading with { MaxConcurrent = 1 }, Time);
        using var first = await limit.EnterAsync(CancellationToken.None);
        using var left = new CancellationTokenSource();
        var waiting = limit.EnterAsync(left.Token);
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        first!.Dispose();
        Assert.NotNull(await limit.EnterAsync(CancellationToken.None));
    }
}
