using System.Net;
using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Outbound;

namespace ImageClassifier.Core.Intake;

/// <summary>Decides which references the service follows. The web tier refuses the others at once, and an app node
/// checks each reference again: it does not trust its messages.</summary>
/// <param name="addresses">The addresses from which pictures may be fetched.</param>
/// <param name="buckets">The buckets from which pictures may be read.</param>
public sealed class ReferenceRules(AddressRules addresses, IReadOnlyCollection<string> buckets)
{
    private const string BucketScheme = "s3://";

    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    private const int MostKeyBytes = 1024;

    /// <summary>The addresses from which pictures may be fetched. The names of hosts are looked up only when a connection is
    /// made, and then checked by these rules.</summary>
    public AddressRules Addresses => addresses;

    /// <summary>Checks a reference, as far as that is possible without a look-up.</summary>
    public CheckedReference Check(PictureReference reference)
    {
        if (!reference.IsWhole)
        {
            return Malformed(
                $"An address has 1 to {PictureReference.LongestAddress} characters. Send a shorter one, or upload the picture.");
        }

        return reference.Url is { } url ? CheckUrl(url) : CheckBucket(reference.S3!);
    }

    private CheckedReference CheckUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || !IsSchemeAllowed(url.Scheme))
            return Malformed("The address does not begin with https://. Send one that does.");
        if (!url.HasUsableHost()) return Malformed("The host or port of the address is not valid. Correct it.");
        if (url.UserInfo.Length > 0)
            return Malformed("The address contains a user name. Send one that can be read without.");
        return IPAddress.TryParse(url.DnsSafeHost, out var literal) && !addresses.Allow(literal, IsEncrypted(url))
            ? NotAllowed("The service does not fetch from this address, because it is not public. Upload the picture, or ask "
                + "the operator to add the address to image-classifier.node.references.allowed-networks.")
            : new CheckedReference.Address(url);
    }

    private bool IsSchemeAllowed(string scheme) =>
        scheme == Uri.UriSchemeHttps || (scheme == Uri.UriSchemeHttp && addresses.AllowsPlainHttp);

    private static bool IsEncrypted(Uri url) => url.Scheme == Uri.UriSchemeHttps;

    private CheckedReference CheckBucket(string text)
    {
        if (!text.StartsWith(BucketScheme, StringComparison.Ordinal)) return MalformedBucket();
        var place = text[BucketScheme.Length..];
        var slash = place.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || !IsKey(place[(slash + 1)..])) return MalformedBucket();
        var bucket = place[..slash];
        return buckets.Contains(bucket)
            ? new CheckedReference.InBucket(bucket, place[(slash + 1)..])
            : NotAllowed("The service may not read this bucket. Upload the picture, or ask the operator to add the bucket to "
                + "image-classifier.node.references.allowed-buckets.");
    }

    // HTTP clients resolve "." and "..": such a key could lead into another bucket.
    private static bool IsKey(string key) =>
        key.Length > 0 && Encoding.UTF8.GetByteCount(key) <= MostKeyBytes && !key.Any(char.IsControl)
        && !key.Split('/').Any(part => part is "." or "..");

    private static CheckedReference.Refused MalformedBucket() => Malformed(
        "The address is not of the form s3://BUCKET/KEY, or its key is too long or has parts like .. in it. Correct it, or "
        + "upload the picture.");

    private static CheckedReference.Refused Malformed(string message) =>
        new(new JobError(JobErrorCodes.ReferenceMalformed, message));

    private static CheckedReference.Refused NotAllowed(string message) =>
        new(new JobError(JobErrorCodes.ReferenceNotAllowed, message));
}

/// <summary>A reference after its check.</summary>
public abstract record CheckedReference
{
    private CheckedReference()
    {
    }

    /// <summary>The picture may be fetched, if its host has only allowed addresses.</summary>
    public sealed record Address(Uri Url) : CheckedReference;

    /// <summary>The picture may be read from a bucket.</summary>
    public sealed record InBucket(string Bucket, string Key) : CheckedReference;

    /// <summary>The reference is not followed.</summary>
    public sealed record Refused(JobError Error) : CheckedReference;
}
