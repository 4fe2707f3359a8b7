using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Stores, reads and deletes one small object under <c>check/</c>, as the web tier may.</summary>
internal sealed class StorageTrial(IAmazonS3 s3, BucketSettings settings, string region)
{
    /// <summary>One finding for each problem; a single good finding if there is none.</summary>
    public async Task<IReadOnlyList<CheckFinding>> RunAsync(string subject, CancellationToken cancellation)
    {
        var key = $"{settings.KeyPrefix}check/{Guid.NewGuid():n}";
        var problems = new List<CheckFinding>();
        if (!await TryAsync("s3:PutObject", () => PutOnceAsync(key, cancellation))) return problems;
        if (!await IsSecondPutRefusedAsync(key, cancellation))
        {
            problems.Add(CheckFinding.Problem(subject, "it ignores conditional writes (If-None-Match), so a result "
                + "could be overwritten by a later one"));
        }

        await TryAsync("s3:GetObject", async () =>
        {
            using var answer = await s3.GetObjectAsync(settings.Name, key, cancellation);
        });
        await TryAsync("s3:DeleteObject", () => s3.DeleteObjectAsync(settings.Name, key, cancellation));
        return problems.Count > 0
            ? problems
            : [CheckFinding.Good(subject, "objects may be stored once, read and deleted")];

        async Task<bool> TryAsync(string permission, Func<Task> call)
        {
            try
            {
                await call();
                return true;
            }
            catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
            {
                problems.Add(CheckFinding.Problem(subject, AwsRefusals.Describe(failure, permission, region)));
                return false;
            }
        }
    }

    private async Task<bool> IsSecondPutRefusedAsync(string key, CancellationToken cancellation)
    {
        try
        {
            await PutOnceAsync(key, cancellation);
            return false;
        }
        catch (AmazonS3Exception refused)
        {
            return refused.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict;
        }
    }

    private Task PutOnceAsync(string key, CancellationToken cancellation) => s3.PutObjectAsync(
        new PutObjectRequest { BucketName = settings.Name, Key = key, ContentBody = "check", IfNoneMatch = "*" },
        cancellation);
}
