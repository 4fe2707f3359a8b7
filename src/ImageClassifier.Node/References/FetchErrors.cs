using System.Globalization;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.References;

/// <summary>The errors of pictures that cannot be fetched.</summary>
internal static class FetchErrors
{
    private const int FirstRedirect = 300;
    private const int FirstRefusal = 400;
    private const int TooManyRequests = 429;
    private const int FirstServerError = 500;

    /// <summary>The same words for every reason, from an unknown name to a private address: otherwise clients could explore
    /// the network of the service.</summary>
    public static JobError Unreachable { get; } = new(
        JobErrorCodes.Unreachable,
        "The picture's address cannot be reached. It must be public, have a valid certificate, and send the whole picture "
        + "within 10 s. Check it, or upload the picture.");

    public static JobError BucketUnreachable { get; } = new(
        JobErrorCodes.Unreachable, "S3 did not send the picture in time. Send the picture again later.");

    public static JobError Empty { get; } = new(JobErrorCodes.Empty, "The address answered with an empty file.");

    public static JobError Compressed { get; } = new(
        JobErrorCodes.NotFetched,
        "The address answered with a compressed file, which was not asked for. Upload the picture instead.");

    public static JobError NoBuckets { get; } = new(
        JobErrorCodes.ReferenceNotAllowed, "This service reads no buckets. Upload the picture instead.");

    public static JobError TooLarge(long most) => new(
        JobErrorCodes.TooLarge,
        string.Create(CultureInfo.InvariantCulture, $"The file has more than {most} bytes. Send a smaller one."));

    public static JobError Answered(int status) => new(
        JobErrorCodes.NotFetched,
        string.Create(CultureInfo.InvariantCulture, $"The address answered {status}{AdviceFor(status)}"));

    /// <summary>Whether a host that answers so may give the picture a little later.</summary>
    public static bool MayPass(int status) => status is TooManyRequests or >= FirstServerError;

    public static JobError Of(BucketRefusal refusal) => refusal switch
    {
        BucketRefusal.NoSuchObject => new(JobErrorCodes.NotFetched, "The bucket has no such object. Check its key."),
        BucketRefusal.NotPermitted => new(
            JobErrorCodes.ReferenceNotAllowed,
            "The bucket has no such object, or the service may not read it. Check its key, or ask the operator for the "
            + "permission s3:GetObject of app nodes."),
        BucketRefusal.NotInRegion => new(
            JobErrorCodes.ReferenceNotAllowed,
            "There is no such bucket in the region of this service. Upload the picture, or use a bucket in that region."),
        BucketRefusal.Archived => new(
            JobErrorCodes.NotFetched, "The object is archived. Restore it, and send the picture again."),
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };

    private static string AdviceFor(int status) => status switch
    {
        < FirstRedirect => ", which is no picture. Check the address, or upload the picture.",
        < FirstRefusal => ", and redirects are not followed. Send the address to which it leads.",
        _ when MayPass(status) => " several times. Send the picture again later, or upload it.",
        _ => ". Check that the picture can be read without signing in, or upload it.",
    };
}
