using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;

namespace ImageClassifier.Adapters.Aws.Check;

/// <summary>Tries a role's calls on objects that do not exist, so that it stores and deletes none. S3's answer tells
/// "not there" from "not allowed".</summary>
internal sealed class ObjectPermissionCheck(IAmazonS3 s3, BucketSettings settings, string region)
{
    // No real upload: S3's own ids are much longer.
    private const string NoUpload = "no-upload";

    /// <summary>One finding for each missing permission; a single good finding if none is missing.</summary>
    public async Task<IReadOnlyList<CheckFinding>> RunAsync(
        string subject, RoleUse use, CancellationToken cancellation)
    {
        // A name that no object has.
        var name = $"check-{Guid.NewGuid():n}";
        (string Permission, string Keys, Func<string, Task> Try)[] tries =
        [
            .. use.Reads.Select(keys => ("s3:GetObject", keys, (Func<string, Task>)GetAsync)),
            .. use.Writes.Select(keys => ("s3:PutObject", keys, (Func<string, Task>)FinishUploadAsync)),
            .. use.Deletes.Select(keys => ("s3:DeleteObject", keys, (Func<string, Task>)DeleteAsync)),
            .. use.Uploads.Select(keys => ("s3:AbortMultipartUpload", keys, (Func<string, Task>)AbortAsync)),
        ];
        var problems = new List<CheckFinding>();
        foreach (var (permission, keys, tryIt) in tries)
        {
            try
            {
                await tryIt(settings.KeyPrefix + keys.Replace("*", name, StringComparison.Ordinal));
            }
            catch (Exception failure) when (AwsFailure.Is(failure, cancellation) && !IsForMissingObject(failure))
            {
                var what = $"{permission} on {settings.KeyPrefix}{keys}";
                problems.Add(CheckFinding.Problem(subject, AwsRefusals.Describe(failure, what, region)));
            }
            catch (AmazonS3Exception)
            {
                // The call is allowed: S3 only misses the object.
            }
        }

        if (problems.Count > 0) return problems;
        var allowed = tries.GroupBy(one => one.Permission)
            .Select(group => $"{group.Key} on {string.Join(", ", group.Select(one => one.Keys))}");
        return tries.Length > 0 ? [CheckFinding.Good(subject, $"it allows {string.Join("; ", allowed)}")] : [];

        async Task GetAsync(string key)
        {
            using var answer = await s3.GetObjectAsync(settings.Name, key, cancellation);
        }

        Task FinishUploadAsync(string key) => s3.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest
            {
                BucketName = settings.Name,
                Key = key,
                UploadId = NoUpload,
                PartETags = [new PartETag(1, "\"none\"")],
            },
            cancellation);

        Task DeleteAsync(string key) => s3.DeleteObjectAsync(settings.Name, key, cancellation);

        Task AbortAsync(string key) => s3.AbortMultipartUploadAsync(settings.Name, key, NoUpload, cancellation);
    }

    private static bool IsForMissingObject(Exception failure) =>
        failure is AmazonS3Exception refused
        && (int)refused.StatusCode < 500
        && AwsRefusals.Of(refused) == AwsRefusal.Other;
}
