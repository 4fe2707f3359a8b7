using Microsoft.AspNetCore.WebUtilities;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The permissions of calls to S3, with the bucket named in the path.</summary>
internal static class S3Calls
{
    // These parameters choose no other operation: the SDK names the operation, or narrows a listing.
    private static readonly string[] Plain =
    [
        "x-id", "list-type", "prefix", "delimiter", "max-keys", "continuation-token", "start-after", "encoding-type",
        "fetch-owner", "partNumber",
    ];

    public static IReadOnlyList<NeededPermission> Read(SignedRequest request)
    {
        var address = AddressOf(request);
        var path = PathOf(address);
        var query = QueryHelpers.ParseQuery(address.Query).Keys.Except(Plain).ToArray();
        var isObject = path.Length == 2;
        var call = string.Join(' ', [request.Http.Method, isObject ? "object" : "bucket", .. query]);
        var action = isObject ? OfObject(call, request) : OfBucket(call);
        return [new NeededPermission($"s3:{action}", $"arn:aws:s3:::{string.Join('/', path)}")];
    }

    /// <summary>The permission to learn that an object is missing. Without it S3 refuses the call instead.</summary>
    public static IReadOnlyList<NeededPermission> ToLearnOfAbsence(SignedRequest request) =>
        request.Service == "s3" && PathOf(AddressOf(request)) is [var bucket, _]
            ? [new NeededPermission("s3:ListBucket", $"arn:aws:s3:::{bucket}")]
            : [];

    private static Uri AddressOf(SignedRequest request) => new($"http://s3{request.Target}");

    private static string[] PathOf(Uri address) =>
        Uri.UnescapeDataString(address.AbsolutePath).Trim('/').Split('/', 2);

    private static string OfObject(string call, SignedRequest request)
    {
        if (request.Http.Headers.Keys.FirstOrDefault(IsAnotherPermission) is { } header)
            throw new NotModelledException($"S3's {call} with {header}");
        return call switch
        {
            "GET object" or "HEAD object" => "GetObject",
            "PUT object" or "POST object uploads" or "PUT object uploadId" or "POST object uploadId" => "PutObject",
            "DELETE object" => "DeleteObject",
            "DELETE object uploadId" => "AbortMultipartUpload",
            "GET object uploadId" => "ListMultipartUploadParts",
            _ => throw new NotModelledException($"S3's {call}"),
        };
    }

    private static bool IsAnotherPermission(string header) =>
        header.ToLowerInvariant() is "x-amz-copy-source" or "x-amz-tagging" or "x-amz-acl";

    private static string OfBucket(string call) => call switch
    {
        "GET bucket" or "HEAD bucket" => "ListBucket",
        "PUT bucket" => "CreateBucket",
        "DELETE bucket" => "DeleteBucket",
        "GET bucket uploads" => "ListBucketMultipartUploads",
        "GET bucket location" => "GetBucketLocation",
        "GET bucket lifecycle" => "GetLifecycleConfiguration",
        "PUT bucket lifecycle" => "PutLifecycleConfiguration",
        "GET bucket encryption" => "GetEncryptionConfiguration",
        "PUT bucket encryption" => "PutEncryptionConfiguration",
        "GET bucket publicAccessBlock" => "GetBucketPublicAccessBlock",
        "PUT bucket publicAccessBlock" => "PutBucketPublicAccessBlock",
        "GET bucket versioning" => "GetBucketVersioning",
        "PUT bucket versioning" => "PutBucketVersioning",
        "GET bucket tagging" => "GetBucketTagging",
        "PUT bucket tagging" => "PutBucketTagging",
        "GET bucket policy" => "GetBucketPolicy",
        "PUT bucket policy" => "PutBucketPolicy",
        "GET bucket ownershipControls" => "GetBucketOwnershipControls",
        "PUT bucket ownershipControls" => "PutBucketOwnershipControls",
        _ => throw new NotModelledException($"S3's {call}"),
    };
}
