using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Adapters.Aws.Provisioning;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Looks at the bucket, and stores, reads and deletes one small object under <c>check/</c>.</summary>
internal sealed class BucketCheck(IAmazonS3 s3, BucketSettings settings, string region)
{
    private string Subject => $"bucket {settings.Name}";

    public async Task<IReadOnlyList<CheckFinding>> RunAsync(CancellationToken cancellation)
    {
        var list = new ListObjectsV2Request
        {
            BucketName = settings.Name,
            Prefix = settings.KeyPrefix,
            MaxKeys = 1,
        };
        if (await TryAsync("s3:ListBucket", () => s3.ListObjectsV2Async(list, cancellation), cancellation) is { } first)
        {
            // Where it cannot be listed for lack of permission, the rest may still be told.
            if (first.Refusal != AwsRefusal.NoPermission) return [first.Finding];
            return [first.Finding, .. await ObjectProblemsAsync(cancellation)];
        }

        var problems = await ObjectProblemsAsync(cancellation);
        return
        [
            .. problems.Count > 0
                ? problems
                : [CheckFinding.Good(Subject, "objects may be listed, stored once, read and deleted")],
            .. await SettingProblemsAsync(cancellation),
        ];
    }

    private async Task<List<CheckFinding>> ObjectProblemsAsync(CancellationToken cancellation)
    {
        var key = $"{settings.KeyPrefix}check/{Guid.NewGuid():n}";
        var problems = new List<CheckFinding>();
        if (await TryAsync("s3:PutObject", () => PutOnceAsync(), cancellation) is { } put)
        {
            problems.Add(put.Finding);
            return problems;
        }

        if (!await IsRefusedAsync())
        {
            problems.Add(CheckFinding.Problem(Subject, "it ignores conditional writes (If-None-Match), so a result "
                + "could be overwritten by a later one"));
        }

        var get = await TryAsync("s3:GetObject", async () =>
        {
            using var answer = await s3.GetObjectAsync(settings.Name, key, cancellation);
        }, cancellation);
        if (get is not null) problems.Add(get.Finding);
        var delete = await TryAsync(
            "s3:DeleteObject", () => s3.DeleteObjectAsync(settings.Name, key, cancellation), cancellation);
        if (delete is not null) problems.Add(delete.Finding);
        return problems;

        Task PutOnceAsync() => s3.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = settings.Name,
                Key = key,
                ContentBody = "check",
                IfNoneMatch = "*",
            },
            cancellation);

        async Task<bool> IsRefusedAsync()
        {
            try
            {
                await PutOnceAsync();
                return false;
            }
            catch (AmazonS3Exception refused)
            {
                return refused.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict;
            }
        }
    }

    private async Task<IEnumerable<CheckFinding>> SettingProblemsAsync(CancellationToken cancellation)
    {
        try
        {
            var actions = await new BucketProvisioning(s3, settings, dryRun: true).RunAsync(cancellation);
            return actions
                .Where(action => action.Kind != ProvisioningActionKind.Unchanged)
                .Select(action => CheckFinding.Problem(
                    action.Resource, $"{action.Detail} is due; aws provision does it"))
                .DefaultIfEmpty(CheckFinding.Good(Subject, "it is as it should be"));
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            // The program itself needs no such permission; who provisions does.
            return AwsRefusals.Of(failure) == AwsRefusal.NoPermission
                ? [CheckFinding.Good(Subject, "its settings may not be looked at with these credentials")]
                : [CheckFinding.Problem(Subject, AwsRefusals.Describe(failure, "looking at its settings", region))];
        }
    }

    private async Task<Refused?> TryAsync(string permission, Func<Task> call, CancellationToken cancellation)
    {
        try
        {
            await call();
            return null;
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            var refusal = AwsRefusals.Of(failure);
            var text = refusal == AwsRefusal.NotThere
                ? $"there is no such bucket ({BucketSettings.NameKey}); aws provision creates it"
                : AwsRefusals.Describe(failure, permission, region);
            return new Refused(refusal, CheckFinding.Problem(Subject, text));
        }
    }

    private sealed record Refused(AwsRefusal Refusal, CheckFinding Finding);
}
