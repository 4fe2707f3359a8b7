using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing.Emulator;
using Xunit;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Cloud;

/// <summary>The whole life of a deployment on an emulator of AWS: provision, upload, launch, redrive, classify, end.
/// Each role has exactly its policy of <c>deploy/iam</c>.</summary>
public sealed class CloudLoopSpecs
{
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task A_launched_machine_classifies_pictures_and_each_role_stays_within_its_policy()
    {
        MotoServer.Require();
        await using var cloud = await CloudDeployment.CreateAsync();
        await cloud.ProvisionAsync();
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await using var service = await RunningService.StartAsync(
            data, ownsData: true, CloudRole.Web.Variables, [.. cloud.Settings]);

        Assert.InRange(TestPictures.OfTwoParts.Bytes.Length, 8 * 1024 * 1024, 16 * 1024 * 1024);
        var accepted = await service.UploadAsync([.. TestPictures.Many(3), TestPictures.OfTwoParts]);
        var following = service.FollowAsync(BatchId(accepted), Enough);
        var instance = await cloud.RunningNodeAsync(() => $"Nothing was launched:\n{Story()}");
        await RedriveOneJobAsync(cloud);
        await using var machine = await EmulatedMachine.BootAsync(instance.InstanceId, cloud.Settings);
        var jobs = await following.WaitAsync(Enough);

        AssertOnceEach(accepted, jobs);
        Assert.All(jobs, job => Assert.Equal("classified", job.GetProperty("status").GetString()));
        Assert.All(jobs, job => Assert.Equal(instance.InstanceId, job.GetProperty("instanceId").GetString()));
        Assert.True(await machine.EndedAsync(Enough) == 0, machine.Log);
        Assert.True(machine.IsTurnedOff, machine.Log);
        // A machine that is turned off is terminated, as its launch template demands.
        await cloud.Owner.TerminateInstancesAsync(new([instance.InstanceId]));
        await service.FleetEndsAsync(Enough);
        Assert.Equal(0, await service.StopAsync());
        Assert.True(cloud.Proxy.Refused.Count == 0, Story());
        cloud.Proxy.AssertAllUnderstood();

        string Story() => $"{string.Join('\n', cloud.Proxy.Refused)}\n{service.Log}";
    }

    private static async Task RedriveOneJobAsync(CloudDeployment cloud)
    {
        await cloud.MoveOneJobToDeadLettersAsync();
        Assert.Equal(1, (await QueueAsync(cloud, "list", "requests")).GetArrayLength());
        await QueueAsync(cloud, "redrive", "requests", "--all");
        foreach (var queue in new[] { "requests", "responses" })
            Assert.Equal(0, (await QueueAsync(cloud, "list", queue)).GetArrayLength());
    }

    private static async Task<JsonElement> QueueAsync(
        CloudDeployment cloud, string verb, string queue, params string[] arguments)
    {
        var (exitCode, output, error) = await cloud.RunAsync(
            CloudRole.Operator, ["queue", verb, "--queue", queue, "--json", .. arguments]);
        Assert.True(exitCode == 0, $"{output}\n{error}\n{string.Join('\n', cloud.Proxy.Refused)}");
        return JsonSerializer.Deserialize<JsonElement>(output);
    }
}
