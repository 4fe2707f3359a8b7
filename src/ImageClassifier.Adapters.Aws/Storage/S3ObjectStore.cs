using System.Net;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Adapters.Aws.Storage;

/// <summary>
/// One S3 bucket, or the part of it under a prefix. S3 shows an object only when all of it is there, and lists in the
/// order of the keys' bytes, which is ordinal. Times are S3's.
/// </summary>
/// <remarks>A put holds at most <see cref="UploadBuffer.Capacity"/> bytes. Content that fits is sent in one request,
/// and longer content in parts, which S3 joins at the end. A get needs <c>s3:ListBucket</c> beside <c>s3:GetObject</c>:
/// without it S3 answers "forbidden" for a missing object.</remarks>
public sealed class S3ObjectStore : IObjectStore
{
    private const int MaxConflicts = 5;
    private static readonly TimeSpan ConflictPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(10);

    // Declared when an upload begins, so that S3 verifies each part and the whole. The SDK computes CRC32 without
    // native code.
    private static readonly ChecksumAlgorithm PartChecksum = ChecksumAlgorithm.CRC32;

    private readonly IAmazonS3 _s3;
    private readonly string _bucket;
    private readonly string _prefix;
    private readonly TimeProvider _time;

    /// <summary>The store in a bucket.</summary>
    /// <param name="s3">The client. The caller disposes it.</param>
    /// <param name="settings">The bucket and the prefix of its keys.</param>
    /// <param name="time">Measures pauses and stalled reads, and nothing else.</param>
    public S3ObjectStore(IAmazonS3 s3, BucketSettings settings, TimeProvider? time = null)
    {
        _s3 = s3;
        _bucket = settings.Name;
        _prefix = settings.KeyPrefix;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc />
    public async Task PutAsync(string key, Stream content, CancellationToken cancellation)
    {
        var place = PlaceOf(key);
        using var buffer = new UploadBuffer();
        if (await buffer.FillAsync(content, cancellation))
        {
            await PutPartsAsync(place, buffer, content, cancellation);
            return;
        }

        // A put that is cancelled while it reads its last bytes must not store them.
        cancellation.ThrowIfCancellationRequested();
        await CallAsync("PutObject", () => _s3.PutObjectAsync(Put(place, buffer.Open()), cancellation), cancellation);
    }

    /// <inheritdoc />
    /// <remarks>If S3 stores the object and its answer is lost, the SDK repeats the put, and S3 answers that the object
    /// exists. The result is then false although this call stored the object.</remarks>
    public async Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        var place = PlaceOf(key);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var request = Put(place, new MemoryStream(content.ToArray(), writable: false));
                request.IfNoneMatch = "*";
                await _s3.PutObjectAsync(request, cancellation);
                return true;
            }
            catch (AmazonS3Exception failure) when (failure.StatusCode == HttpStatusCode.PreconditionFailed)
            {
                return false;
            }
            catch (AmazonS3Exception failure) when (
                failure.StatusCode == HttpStatusCode.Conflict && attempt < MaxConflicts)
            {
                // Another put of this key, or a delete, is under way.
                await Task.Delay(ConflictPause * attempt, _time, cancellation);
            }
            catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
            {
                throw Failed("PutObject", failure);
            }
        }
    }

    /// <inheritdoc />
    public async Task<StoredObject?> GetAsync(string key, CancellationToken cancellation)
    {
        var request = new GetObjectRequest { BucketName = _bucket, Key = PlaceOf(key) };
        try
        {
            var answer = await _s3.GetObjectAsync(request, cancellation);
            return new StoredObject(
                new DownloadStream(answer, _time), answer.ContentLength, TimeOf(answer.LastModified));
        }
        catch (AmazonS3Exception failure) when (failure.ErrorCode == "NoSuchKey")
        {
            return null;
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw Failed("GetObject", failure);
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectListing> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ObjectKey.SplitPrefix(prefix);
        var request = new ListObjectsV2Request { BucketName = _bucket, Prefix = _prefix + prefix };
        do
        {
            var page = await CallAsync(
                "ListObjectsV2", () => _s3.ListObjectsV2Async(request, cancellation), cancellation);
            foreach (var found in page.S3Objects ?? [])
            {
                var key = found.Key[_prefix.Length..];
                // The bucket may have objects of other programs.
                if (!key.Split('/').All(ObjectKey.IsName)) continue;
                yield return new ObjectListing(key, found.Size ?? 0, TimeOf(found.LastModified));
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        } while (request.ContinuationToken is not null);
    }

    /// <inheritdoc />
    public async Task DeleteAsync(string key, CancellationToken cancellation)
    {
        var place = PlaceOf(key);
        await CallAsync("DeleteObject", () => _s3.DeleteObjectAsync(_bucket, place, cancellation), cancellation);
    }

    /// <inheritdoc />
    public Task<string?> CheckAsync(CancellationToken cancellation) => this.CheckByReadingAsync(cancellation);

    private async Task PutPartsAsync(
        string place, UploadBuffer buffer, Stream content, CancellationToken cancellation)
    {
        var begun = await CallAsync(
            "CreateMultipartUpload",
            () => _s3.InitiateMultipartUploadAsync(
                new InitiateMultipartUploadRequest
                {
                    BucketName = _bucket,
                    Key = place,
                    ChecksumAlgorithm = PartChecksum,
                },
                cancellation),
            cancellation);
        try
        {
            var parts = new List<PartETag>();
            do
            {
                var part = new UploadPartRequest
                {
                    BucketName = _bucket,
                    Key = place,
                    UploadId = begun.UploadId,
                    PartNumber = parts.Count + 1,
                    InputStream = buffer.Open(),
                    PartSize = buffer.Length,
                    ChecksumAlgorithm = PartChecksum,
                };
                var answer = await CallAsync(
                    "UploadPart", () => _s3.UploadPartAsync(part, cancellation), cancellation);
                parts.Add(new PartETag(answer, copyChecksums: true));
                // The content may end exactly with a full buffer. S3 needs no empty part then.
            } while (await buffer.FillAsync(content, cancellation) || buffer.Length > 0);

            cancellation.ThrowIfCancellationRequested();
            var whole = new CompleteMultipartUploadRequest
            {
                BucketName = _bucket,
                Key = place,
                UploadId = begun.UploadId,
                PartETags = parts,
            };
            await CallAsync(
                "CompleteMultipartUpload",
                () => _s3.CompleteMultipartUploadAsync(whole, cancellation),
                cancellation);
        }
        catch
        {
            await AbortAsync(place, begun.UploadId);
            throw;
        }
    }

    /// <summary>Deletes the parts of an upload. If that fails, the bucket's lifecycle rule deletes them
    /// later.</summary>
    private async Task AbortAsync(string place, string upload)
    {
        try
        {
            using var limit = new CancellationTokenSource(AbortTimeout, _time);
            await _s3.AbortMultipartUploadAsync(_bucket, place, upload, limit.Token);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, CancellationToken.None))
        {
            // The caller gets the failure of the upload, not this one.
        }
    }

    private PutObjectRequest Put(string place, Stream content) => new()
    {
        BucketName = _bucket,
        Key = place,
        InputStream = content,
        AutoCloseStream = true,
        // The signature covers the content's hash. Signing chunk by chunk takes a buffer of 80 KiB for each object.
        UseChunkEncoding = false,
    };

    private string PlaceOf(string key)
    {
        ObjectKey.Check(key);
        return _prefix + key;
    }

    private static async Task<T> CallAsync<T>(string operation, Func<Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await call();
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            throw Failed(operation, failure);
        }
    }

    private static IOException Failed(string operation, Exception failure)
    {
        var message = AwsFailure.Describe("S3", operation, failure);
        return AwsRefusals.IsPermanent(failure)
            ? new StoreRefusedException(message, failure)
            : new IOException(message, failure);
    }

    private static DateTimeOffset TimeOf(DateTime? time) =>
        time is { } known ? new DateTimeOffset(known.ToUniversalTime()) : default;
}
