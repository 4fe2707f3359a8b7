using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>Faults on one machine: queues in SQLite, pictures in files.</summary>
public sealed class EmbeddedFaultSpecs(ITestOutputHelper output) : FaultSpecs(output)
{
    // A picture has a tenth of a mebibyte on average.
    private static readonly int Mebibytes = 64 + (FaultForm.Current.Pictures / 4);

    [SkippableFact]
    public Task Nothing_is_lost_when_the_web_tier_is_killed_and_comes_back() => RunAsync(async run =>
    {
        var share = run.Form.Pictures / run.Form.WebKills;
        for (var kill = 1; kill <= run.Form.WebKills; kill++)
        {
            await run.UploadAsync((share * 3 / 4) - FaultRun.SmallBatch, FaultRun.LargeBatch);
            await run.ResultsAsync(1);
            Task uploading;
            // Otherwise fast nodes finish before the kill, and no client waits for anything.
            using (await run.FreezeNodesAsync())
            {
                var hit = run.UploadsBeginAsync(run.Random.Next(1, 4));
                uploading = run.UploadAsync(share / 4, FaultRun.SmallBatch);
                await hit;
                await run.KillWebAsync();
            }

            await uploading;
        }

        await run.UploadRestAsync();
        Assert.NotEmpty(run.Client.BrokenUploads);
        Assert.True(run.Client.Reconnects >= run.Form.WebKills, "No client had to connect again.");
    });

    [SkippableFact]
    public async Task Nothing_is_lost_when_the_disk_is_full()
    {
        // Where no disk can be mounted, files that cannot grow stand in for a full one.
        using IFillableDisk disk = (IFillableDisk?)SmallDisk.TryMount(Mebibytes) ?? new FileSizeLimit();
        await using var environment = new EmbeddedFaults(disk.Folder);
        await RunAsync(environment, async run =>
        {
            await run.UploadAsync(run.Form.Pictures * 3 / 4, FaultRun.LargeBatch);
            await run.ResultsAsync(run.Random.Next(1, run.Form.Pictures / 8));
            using (await run.FreezeNodesAsync())
            {
                disk.Fill();
                run.Strike("disk full");
            }

            var full = Stopwatch.StartNew();
            var uploading = run.UploadAsync(run.Form.Pictures / 8, FaultRun.SmallBatch);
            await run.UntilAsync(
                () =>
                {
                    // Each deletion makes room, so the disk is filled again and again.
                    disk.Fill();
                    return full.Elapsed >= run.Form.Outage && run.Client.RefusedUploads > 0;
                },
                "uploads are refused with a time to retry, and the outage is over");
            run.Strike("disk has room again");
            disk.Free();

            await uploading;
            await run.UploadRestAsync();
        });
    }

    private protected override Task<FaultEnvironment> OpenAsync() => Task.FromResult<FaultEnvironment>(
        new EmbeddedFaults(Directory.CreateTempSubdirectory("image-classifier-").FullName));
}
