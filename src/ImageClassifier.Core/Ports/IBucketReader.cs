namespace ImageClassifier.Core.Ports;

/// <summary>Reads pictures that clients keep in buckets of their own. The caller checks that the operator allows the bucket.
/// Safe from any thread.</summary>
public interface IBucketReader
{
    /// <summary>Opens an object. The caller disposes of it.</summary>
    /// <exception cref="IOException">The object cannot be read now. A later call may succeed.</exception>
    Task<BucketRead> OpenAsync(string bucket, string key, CancellationToken cancellation);
}

/// <summary>The outcome of opening an object of a bucket.</summary>
public abstract record BucketRead
{
    private BucketRead()
    {
    }

    /// <summary>The object is open.</summary>
    public sealed record Found(StoredObject Stored) : BucketRead;

    /// <summary>The object cannot be read.</summary>
    /// <param name="Why">Why, for clients.</param>
    /// <param name="Details">The words of the bucket's service, for the log only.</param>
    public sealed record Refused(BucketRefusal Why, string Details) : BucketRead;
}

/// <summary>Why an object of a bucket cannot be read.</summary>
public enum BucketRefusal
{
    /// <summary>There is no such object.</summary>
    NoSuchObject,

    /// <summary>The service has no permission. The object may not even exist: without <c>s3:ListBucket</c> nobody learns
    /// that.</summary>
    NotPermitted,

    /// <summary>The bucket does not exist, or is in another region than the service.</summary>
    NotInRegion,

    /// <summary>The object is archived, and must be restored first.</summary>
    Archived,
}
