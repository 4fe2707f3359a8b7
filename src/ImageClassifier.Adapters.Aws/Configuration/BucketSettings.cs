using ImageClassifier.Core;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Adapters.Aws.Configuration;

/// <summary>The bucket of pictures and results.</summary>
public sealed record BucketSettings
{
    /// <summary>The setting of the bucket's name.</summary>
    public const string NameKey = "image-classifier.aws.s3.bucket";

    /// <summary>The setting of the prefix.</summary>
    public const string KeyPrefixKey = "image-classifier.aws.s3.key-prefix";

    /// <summary>The setting of the retention.</summary>
    public const string RetentionKey = "image-classifier.aws.s3.retention";

    /// <summary>Describes the bucket.</summary>
    /// <param name="name">The name, which must be unique in all of AWS.</param>
    /// <param name="keyPrefix">The prefix of all keys in the bucket: empty, or names that each end in <c>/</c>.</param>
    /// <param name="retention">Objects older than this are deleted. Whole days, because S3 counts in days.</param>
    /// <exception cref="InvalidSettingException">S3 does not allow a value.</exception>
    public BucketSettings(string? name, string keyPrefix, TimeSpan retention)
    {
        if (string.IsNullOrEmpty(name))
            throw new InvalidSettingException(NameKey, null, "a bucket is needed on AWS");
        if (name.Length is < 3 or > 63
            || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.'))
        {
            throw new InvalidSettingException(
                NameKey, name, "a bucket's name has 3 to 63 lower-case letters, digits, hyphens and dots");
        }

        if (keyPrefix.Length > 0 && !IsPrefix(keyPrefix))
        {
            throw new InvalidSettingException(
                KeyPrefixKey, keyPrefix,
                "it is empty, or names of letters, digits, '.', '-' and '_' with a / after each");
        }

        if (retention < TimeSpan.FromDays(1) || retention.Ticks % TimeSpan.TicksPerDay != 0)
            throw new InvalidSettingException(RetentionKey, retention.ToString(), "it is whole days, 1 at least");
        Name = name;
        KeyPrefix = keyPrefix;
        Retention = retention;
    }

    /// <summary>The name of the bucket.</summary>
    public string Name { get; }

    /// <summary>The prefix of all keys in the bucket.</summary>
    public string KeyPrefix { get; }

    /// <summary>Objects older than this are deleted.</summary>
    public TimeSpan Retention { get; }

    private static bool IsPrefix(string prefix) =>
        prefix.EndsWith('/') && prefix[..^1].Split('/').All(ObjectKey.IsName);
}
