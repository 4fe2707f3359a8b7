using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Adapters.Aws.Storage;

/// <summary>Reads objects of buckets that clients name. The role needs <c>s3:GetObject</c> on each of them.</summary>
/// <param name="s3">The client. The caller disposes it.</param>
/// <param name="time">Measures stalled reads, and nothing else.</param>
public sealed class S3BucketReader(IAmazonS3 s3, TimeProvider? time = null) : IBucketReader
{
    /// <inheritdoc />
    public async Task<BucketRead> OpenAsync(string bucket, string key, CancellationToken cancellation)
    {
        try
        {
            var answer = await s3.GetObjectAsync(
                new GetObjectRequest { BucketName = bucket, Key = key }, cancellation);
            var content = new DownloadStream(answer, time ?? TimeProvider.System);
            return new BucketRead.Found(new StoredObject(content, answer.ContentLength, answer.LastModified ?? default));
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            return RefusalOf(failure) is { } refusal
                ? new BucketRead.Refused(refusal, AwsFailure.Reason(failure))
                : throw AwsFailure.AsIOException("S3", "GetObject", failure);
        }
    }

    private static BucketRefusal? RefusalOf(Exception failure) => AwsRefusals.Of(failure) switch
    {
        _ when AwsFailure.CodeOf(failure) == "InvalidObjectState" => BucketRefusal.Archived,
        AwsRefusal.NoPermission => BucketRefusal.NotPermitted,
        AwsRefusal.WrongRegion or AwsRefusal.NotThere => BucketRefusal.NotInRegion,
        _ when failure is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } => BucketRefusal.NoSuchObject,
        _ => null,
    };
}
