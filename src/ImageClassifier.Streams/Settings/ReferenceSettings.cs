using System.Text.RegularExpressions;
using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Outbound;

namespace ImageClassifier.Streams.Settings;

/// <summary>From where pictures are fetched by reference: <c>image-classifier.node.references</c>. The web tier and the
/// app nodes read the same settings.</summary>
/// <param name="Rules">The allowed references.</param>
public sealed partial record ReferenceSettings(ReferenceRules Rules)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong, or names buckets although the environment has
    /// no S3.</exception>
    public static ReferenceSettings Create(Config config)
    {
        const string bucketsKey = "allowed-buckets";
        var references = new SettingsSection(config, "image-classifier.node.references");
        var buckets = references.Words(bucketsKey);
        if (!buckets.All(bucket => BucketName().IsMatch(bucket)))
            throw references.Invalid(bucketsKey, "names of S3 buckets, separated by commas");
        if (buckets.Count > 0 && !EnvironmentSettings.Create(config).IsAws)
            throw references.Invalid(bucketsKey, $"no bucket, unless {EnvironmentSettings.Key} is aws");
        return new ReferenceSettings(
            new ReferenceRules(new AddressRules(references.Networks("allowed-networks")), buckets));
    }

    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", RegexOptions.CultureInvariant)]
    private static partial Regex BucketName();
}
